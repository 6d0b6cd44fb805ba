package deliver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// There are two ways to a receiver, http1 and net/http, and nobody can tell by
// an outcome which one a request went. These tests send the same requests both
// ways, to receivers that say the same.

// way is one of the two.
type way string

const (
	overHTTP1   way = "http1"
	overNetHTTP way = "net/http"
)

// exchanged is all that both sides saw of one attempt.
type exchanged struct {
	Answer     attempt.Answer
	Outcome    attempt.Outcome // without its times
	Request    string          // as it came, byte for byte
	Connection int             // on which it came, from 1
}

// recorder is a receiver below HTTP that writes down what comes.
type recorder struct {
	address string
	say     func(conn net.Conn, nth int) (stay bool)

	mu          sync.Mutex
	connections int
	seen        []exchanged
}

// record starts a receiver. say answers the nth request on its connection, from
// 1.
func record(t *testing.T, say func(conn net.Conn, nth int) (stay bool)) *recorder {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &recorder{address: listener.Addr().String(), say: say}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.connections++
			number := s.connections
			s.mu.Unlock()
			conns.Go(func() { s.hear(conn, number) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		conns.Wait()
	})
	return s
}

func (s *recorder) hear(conn net.Conn, number int) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for nth := 1; ; nth++ {
		request, err := rawRequest(reader)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, exchanged{Request: request, Connection: number})
		s.mu.Unlock()
		if !s.say(conn, nth) {
			return
		}
	}
}

// rawRequest reads one request as it is.
func rawRequest(reader *bufio.Reader) (string, error) {
	var raw bytes.Buffer
	tee := bufio.NewReaderSize(io.TeeReader(reader, &raw), 1<<20)
	request, err := http.ReadRequest(tee)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return raw.String(), err
}

// run makes attempts in a row with one sender, and tells them apart from those
// of the run before.
func (s *recorder) run(t *testing.T, w way, attempts int, ep *endpoint.Endpoint, r attempt.Request, limit int64) []exchanged {
	t.Helper()
	s.mu.Lock()
	s.connections, s.seen = 0, nil
	s.mu.Unlock()
	at := time.Unix(1_795_255_200, 0)
	sender := newTestSender(t, Config{Now: func() time.Time { return at }, Dial: toAddress(s.address)})
	if w == overNetHTTP {
		viaNetHTTP(sender)
	}
	var found []exchanged
	for range attempts {
		answer, outcome := sender.Send(t.Context(), ep, r, Limits{Answer: limit, Timeout: 10 * time.Second})
		outcome.Started, outcome.Duration = time.Time{}, 0
		found = append(found, exchanged{Answer: answer, Outcome: outcome})
	}
	if direct := sender.pool.lines[ep.ID].direct != nil; direct != (w == overHTTP1) {
		t.Fatalf("over http1: %v, wanted to send over %s", direct, w)
	}
	sender.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) != attempts {
		t.Fatalf("%s: %d requests came of %d attempts", w, len(s.seen), attempts)
	}
	for i := range found {
		found[i].Request, found[i].Connection = s.seen[i].Request, s.seen[i].Connection
	}
	return found
}

// same runs attempts both ways and returns what came of them. On a busy machine
// net/http may give a connection up that could be used again, when an answer
// overtakes the report that its request was written: it gets another try.
func (s *recorder) same(t *testing.T, attempts int, ep *endpoint.Endpoint, r attempt.Request, limit int64) []exchanged {
	t.Helper()
	ours := s.run(t, overHTTP1, attempts, ep, r, limit)
	var diff string
	for range 5 {
		if diff = cmp.Diff(s.run(t, overNetHTTP, attempts, ep, r, limit), ours); diff == "" {
			break
		}
	}
	if diff != "" {
		t.Errorf("http1 differs from net/http (-net/http +http1):\n%s", diff)
	}
	return ours
}

// saysAndStays answers each request with text; the connection stays.
func saysAndStays(text string) func(net.Conn, int) bool {
	return func(conn net.Conn, _ int) bool {
		io.WriteString(conn, text)
		return true
	}
}

// Answers that end by themselves: the next request shows whether the connection
// was used again.
func TestBothWaysTakeAnAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range wholeAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := record(t, saysAndStays(text)).same(t, 3, endpointAt("http://shop.example/hook"), testRequest(), 100)
			if status := found[0].Outcome.Status; !strings.Contains(text, fmt.Sprintf(" %03d", status)) {
				t.Errorf("status %d of %q", status, text)
			}
		})
	}
}

// What comes behind an answer is no answer to the next request.
func TestBothWaysTakeTheFirstAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range overlongAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ep, r := endpointAt("http://shop.example/hook"), testRequest()
			receiver := record(t, saysAndStays(text))
			first := receiver.same(t, 1, ep, r, 100)[0]
			for i, got := range receiver.run(t, overHTTP1, 3, ep, r, 100) {
				if first.Connection = i + 1; !cmp.Equal(first, got) {
					t.Errorf("attempt %d:\n%s", i+1, cmp.Diff(first, got))
				}
			}
		})
	}
}

// Answers that can't be taken, or end with their connection.
func TestBothWaysTakeABrokenAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range brokenAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ways := record(t, func(conn net.Conn, _ int) bool {
				io.WriteString(conn, text)
				return false
			})
			ways.same(t, 1, endpointAt("http://shop.example/hook"), testRequest(), 100)
		})
	}
}

// An answer is cut off after each of its bytes.
func TestBothWaysTakeACutAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range cutAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for end := range len(text) + 1 {
				cut := record(t, func(conn net.Conn, _ int) bool {
					io.WriteString(conn, text[:end])
					return false
				})
				cut.same(t, 1, endpointAt("http://shop.example/hook"), testRequest(), 100)
				if t.Failed() {
					t.Fatalf("after %q", text[:end])
				}
			}
		})
	}
}

// An answer comes byte by byte.
func TestBothWaysTakeADrippingAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range wholeAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(text) > 4<<10 {
				t.Skip("too long to be written byte by byte")
			}
			drip := record(t, func(conn net.Conn, _ int) bool {
				for i := range len(text) {
					io.WriteString(conn, text[i:i+1])
				}
				return true
			})
			drip.same(t, 1, endpointAt("http://shop.example/hook"), testRequest(), 100)
		})
	}
}

func TestBothWaysReadAsMuchOfAnAnswer(t *testing.T) {
	t.Parallel()
	ten := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
	chunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"
	refused := "HTTP/1.1 422 No\r\nContent-Length: 10\r\n\r\n0123456789"
	for _, text := range []string{ten, chunks, refused} {
		for _, limit := range []int64{-1, 0, 1, 9, 10, 11} {
			t.Run(fmt.Sprintf("%d of %q", limit, text), func(t *testing.T) {
				t.Parallel()
				record(t, saysAndStays(text)).same(t, 2, endpointAt("http://shop.example/hook"), testRequest(), limit)
			})
		}
	}
}
