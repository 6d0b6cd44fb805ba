package deliver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// altered is what no request has in it.
const altered = 1

// recycledRequest makes a request whose body is overwritten as soon as it is recycled: if
// that is too early, the receiver gets something else.
func recycledRequest(size int, recycled *atomic.Int32) attempt.Request {
	r := testRequest()
	r.Body = bytes.Repeat([]byte("a"), size)
	r.Recycle = func() {
		recycled.Add(1)
		for i := range r.Body {
			r.Body[i] = altered
		}
	}
	return r
}

func TestABodyIsRecycledOnceItHasBeenSent(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 1 << 20} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			t.Parallel()
			var wrong atomic.Int32
			url := serve(t, func(_ http.ResponseWriter, request *http.Request) {
				body, err := io.ReadAll(request.Body)
				if err != nil || !bytes.Equal(body, bytes.Repeat([]byte("a"), size)) {
					wrong.Add(1)
				}
			})
			s := newTestSender(t, Config{})
			for range 20 {
				var recycled atomic.Int32
				_, outcome := s.Send(t.Context(), endpointAt(url), recycledRequest(size, &recycled), testLimits())
				if outcome.Verdict != attempt.Delivered || recycled.Load() != 1 {
					t.Errorf("%+v, recycled %d times, want once", outcome, recycled.Load())
				}
			}
			if n := wrong.Load(); n > 0 {
				t.Errorf("the receiver got %d altered bodies", n)
			}
		})
	}
}

// A receiver may answer before it has read all, and read the rest later: until then nobody
// else may have the body.
func TestABodyIsNotRecycledWhileItIsSent(t *testing.T) {
	t.Parallel()
	const size = 16 << 20 // more than systems buffer
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	answered, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			ended <- err
			return
		}
		<-answered
		sent, _ := io.ReadAll(conn) // until the connection is given up
		if bytes.Contains(sent, []byte{altered}) {
			err = fmt.Errorf("%d bytes came, and some of them altered", len(sent))
		}
		ended <- err
	}()
	var recycled atomic.Int32
	r := recycledRequest(size, &recycled)
	s := newTestSender(t, Config{})
	s.Send(t.Context(), endpointAt("http://"+listener.Addr().String()), r, testLimits())
	if n := recycled.Load(); n != 0 {
		t.Errorf("recycled %d times while it is being sent", n)
	}
	close(answered)
	s.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// net/http may write a message twice, and says so each time; of HTTP/2 it says so by other
// rules, and where it fails it may begin anew.
func TestABodyIsRecycledWhenEachWritingHasEnded(t *testing.T) {
	t.Parallel()
	http1, http2 := &http.Response{ProtoMajor: 1}, &http.Response{ProtoMajor: 2}
	c := &carried{message: []byte("{}")}
	c.opened.Store(1)
	for _, step := range []struct {
		name string
		does func()
		want bool
	}{
		{"being written", func() {}, false},
		{"broken off", func() { c.wrote(httptrace.WroteRequestInfo{Err: io.ErrClosedPipe}) }, false},
		{"written", func() { c.wrote(httptrace.WroteRequestInfo{}) }, true},
		{"opened again", func() { c.again() }, false},
		{"written again", func() { c.wrote(httptrace.WroteRequestInfo{}) }, true},
	} {
		if step.does(); c.isWritten(http1) != step.want || c.isWritten(http2) {
			t.Errorf("%s: %t, and %t over HTTP/2; want %t, and never", step.name, c.isWritten(http1), c.isWritten(http2), step.want)
		}
	}
}
