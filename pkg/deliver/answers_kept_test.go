package deliver

import (
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"testing"
	"testing/synctest"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// net/http puts a connection back among the idle ones before it hands over the
// answer that came on it. Whoever closes idle connections at this moment would
// have the answer lost, and a delivery told twice.
func TestAnAnswerIsNotLostBetweenItsComingAndItsTaking(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*testing.T, *Sender){
		"nothing happens":           func(*testing.T, *Sender) {},
		"the lists are reloaded":    func(_ *testing.T, s *Sender) { s.Reload(nil, nil) },
		"the endpoint is removed":   func(_ *testing.T, s *Sender) { s.Forget(endpointAt("").ID) },
		"many other hosts are busy": sendToMany,
		"the endpoint changes":      sendToChanged,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sender := newTestSender(t, Config{Dial: pipeTo(t, func(conn net.Conn) {
					for range 2 {
						readRequest(conn)
						io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
				})})
				viaNetHTTP(sender)
				over := make(chan struct{})
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
					meanwhile(t, sender)
					synctest.Wait() // until whoever would notice has
					close(over)
				}})
				_, got := sender.Send(ctx, endpointAt("http://shop.example/"), testRequest(), testLimits())
				<-over
				if got.Verdict != attempt.Delivered {
					t.Errorf("%s, %q", got.Verdict, got.Error)
				}
				sender.Close()
			})
		})
	}
}

func sendToChanged(t *testing.T, s *Sender) {
	t.Helper()
	ep := endpointAt("http://shop.example/other")
	ep.ConnectTimeout++
	if _, got := s.Send(t.Context(), ep, testRequest(), testLimits()); got.Verdict != attempt.Delivered {
		t.Errorf("meanwhile: %s, %q", got.Verdict, got.Error)
	}
}

// sendToMany sends to as many hosts as an endpoint may have connections.
func sendToMany(t *testing.T, s *Sender) {
	t.Helper()
	for host := range uint64(endpoint.MaxConcurrency) {
		sendTo(t, s, fmt.Sprintf("http://%d.example/", host), 2+host)
	}
}

func sendTo(t *testing.T, s *Sender, url string, id uint64) {
	t.Helper()
	ep := endpointAt(url)
	ep.ID = id
	if _, got := s.Send(t.Context(), ep, testRequest(), testLimits()); got.Verdict != attempt.Delivered {
		t.Errorf("%s: %s, %q", url, got.Verdict, got.Error)
	}
}
