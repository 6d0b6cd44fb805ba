package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// turn is how many posts are made one way before it is the other's turn. Other
// work on the machine then weighs on both alike, and most turns are free of it.
const turn = 500

// BenchmarkSend posts by turns with a sender and with a bare http.Client, that of
// scripts/bench, to the same receiver, which costs as little as one can. An
// operation is one post of each. It reports what a post of each costs in the
// median turn, and the sender's processor time by the client's. The processor's
// time is the whole process's, the receiver's part included.
func BenchmarkSend(b *testing.B) {
	for _, c := range []struct {
		concurrency int
		answer      string
	}{
		{8, ""}, {64, ""}, {8, "thank you"},
	} {
		b.Run(fmt.Sprintf("at=%d/answer=%d", c.concurrency, len(c.answer)), func(b *testing.B) {
			target, concurrency := answering(b, c.answer), c.concurrency
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency, DisableCompression: true}}
			b.Cleanup(client.CloseIdleConnections)
			sender, ep := newTestSender(b, Config{}), endpointAt(target)
			ctx, cancel := context.WithCancel(b.Context()) // as a daemon has one
			defer cancel()
			var bare, send cost
			for left := b.N; left > 0; left -= turn {
				n := min(left, turn)
				bare.add(b, n, concurrency, func() error { return postOne(ctx, client, target, []byte(testBody)) })
				send.add(b, n, concurrency, func() error { return sendOne(ctx, sender, ep) })
			}
			bare.report(b, "bare")
			send.report(b, "send")
			b.ReportMetric(median(send.processor)/median(bare.processor), "cpu-of-bare")
		})
	}
}

func sendOne(ctx context.Context, sender *Sender, ep *endpoint.Endpoint) error {
	_, outcome := sender.Send(ctx, ep, testRequest(), testLimits())
	if outcome.Verdict != attempt.Delivered {
		return errors.New(outcome.Error)
	}
	return nil
}

// postOne is what a program does that only wants its body posted.
func postOne(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the receiver answered %s", answer.Status)
	}
	return err
}

// cost is what a post has taken, on average, in each turn.
type cost struct {
	time, processor []float64 // ns
	allocations     []float64
}

// add makes n posts, a number of them at a time.
func (c *cost) add(b *testing.B, n, concurrency int, post func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var workers sync.WaitGroup
	allocated, used, begun := allocations(), processorTime(b), time.Now()
	for range concurrency {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				if err := post(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	workers.Wait()
	c.time = append(c.time, float64(time.Since(begun).Nanoseconds())/float64(n))
	c.processor = append(c.processor, float64((processorTime(b)-used).Nanoseconds())/float64(n))
	c.allocations = append(c.allocations, float64(allocations()-allocated)/float64(n))
}

func median(samples []float64) float64 {
	return slices.Sorted(slices.Values(samples))[len(samples)/2]
}

func (c *cost) report(b *testing.B, by string) {
	b.Helper()
	b.ReportMetric(median(c.time), by+"-ns/op")
	b.ReportMetric(median(c.processor), by+"-cpu-ns/op")
	b.ReportMetric(median(c.allocations), by+"-allocs/op")
}

// allocations is how many objects this process has allocated so far.
func allocations() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// answering starts a receiver that takes whatever ends with testBody for a
// request, and answers it with that body.
func answering(b *testing.B, body string) string {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { answer(conn, body) })
		}
	})
	b.Cleanup(func() {
		listener.Close()
		conns.Wait()
	})
	return "http://" + listener.Addr().String()
}

func answer(conn net.Conn, body string) {
	defer conn.Close()
	ok := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	end := []byte(testBody)
	request, n := make([]byte, 4<<10), 0
	for {
		read, err := conn.Read(request[n:])
		if err != nil {
			return
		}
		if n += read; !bytes.HasSuffix(request[:n], end) {
			continue
		}
		n = 0
		if _, err := conn.Write(ok); err != nil {
			return
		}
	}
}
