package deliver

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/timespan"
)

// As many connections are opened as there are requests at a time, and every one
// of them is kept for the next, whatever was answered on it.
func TestAConnectionForEachRequestAtATimeAndNoMore(t *testing.T) {
	t.Parallel()
	const concurrency, rounds = 64, 4
	page := strings.Repeat("0123456789abcdef", 64<<10/16) // as much as is read of any answer
	for name, answer := range map[string]http.HandlerFunc{
		"taken, without a word": func(http.ResponseWriter, *http.Request) {},
		"taken, with thanks":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "thank you") },
		"taken, with a page":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) },
		"taken, in chunks": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "thank")
			w.(http.Flusher).Flush()
			io.WriteString(w, "you")
		},
		"refused, with a page": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, page)
		},
		"redirected": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened, closed, asked atomic.Int64
			var first sync.WaitGroup // the first requests wait for one another
			first.Add(concurrency)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) <= concurrency {
					first.Done()
					first.Wait()
				}
				answer(w, r)
			}))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					opened.Add(1)
				}
				if state == http.StateClosed {
					closed.Add(1)
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			sender, ep := newTestSender(t, Config{}), endpointAt(server.URL)
			ep.ConnectTimeout, ep.Timeout = timespan.Span(time.Minute), timespan.Span(time.Minute) // on a busy machine, too
			var workers sync.WaitGroup
			for range concurrency {
				workers.Go(func() {
					for range rounds {
						if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Status == 0 {
							t.Errorf("%s, %q", got.Reason, got.Error)
						}
					}
				})
			}
			workers.Wait()
			if asked.Load() != concurrency*rounds || opened.Load() != concurrency || closed.Load() != 0 {
				t.Errorf("%d requests: %d connections opened, %d closed; want %d opened, none closed",
					asked.Load(), opened.Load(), closed.Load(), concurrency)
			}
		})
	}
}
