package deliver

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func TestEndpointsThatConnectAlikeShareOneTransport(t *testing.T) {
	t.Parallel()
	sender := newTestSender(t, Config{})
	ours, theirs := newAuthority(t, "our authority"), newAuthority(t, "their authority")
	seen := make(map[*http.Transport]bool)
	const endpoints = 10_000
	for id := range uint64(endpoints) {
		ep := endpointAt("https://shop.example/")
		ep.ID = id
		switch id % 1000 {
		case 1:
			ep.ConnectTimeout = timespan.Span(time.Second)
		case 2:
			ep.CAFile = ours.file
		case 3:
			ep.CAFile = theirs.file
		}
		line, err := sender.pool.get(ep, sender.guard.Load())
		if err != nil {
			t.Fatal(err)
		}
		line.shared.letGo()
		seen[line.shared.transport] = true
	}
	if len(seen) != 4 || len(sender.pool.transports) != 4 {
		t.Errorf("%d transports were made and %d kept, want 4", len(seen), len(sender.pool.transports))
	}
	for id := range uint64(endpoints) {
		sender.Forget(id)
		sender.Forget(id) // twice is as good as once
	}
	if len(sender.pool.transports) != 0 || len(sender.pool.lines) != 0 {
		t.Errorf("%d transports and %d lines are kept for nobody", len(sender.pool.transports), len(sender.pool.lines))
	}
}

func TestAnEndpointThatChangesLeavesItsTransport(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	sender := newTestSender(t, Config{})
	ep := endpointAt(server.URL)
	sender.Send(t.Context(), ep, testRequest(), testLimits())
	ep.ConnectTimeout++
	sender.Send(t.Context(), ep, testRequest(), testLimits())
	<-closed // the idle connection of the old transport
	if len(sender.pool.transports) != 1 {
		t.Errorf("%d transports are kept, want 1", len(sender.pool.transports))
	}
	sender.Close()
	<-closed
}

func TestManySendersAtATimeWhileEndpointsComeAndGo(t *testing.T) {
	t.Parallel()
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	sender := newTestSender(t, Config{})
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 50 {
				ep := endpointAt(target)
				ep.ID = uint64(i % 4)
				ep.ConnectTimeout += timespan.Span(i % 3)
				if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Verdict != attempt.Delivered {
					t.Errorf("%s, %q", got.Verdict, got.Error)
				}
				switch (worker + i) % 10 {
				case 0:
					sender.Forget(ep.ID)
				case 1:
					sender.Reload(nil, nil)
				}
			}
		})
	}
	workers.Wait()
	users := 0
	for _, shared := range sender.pool.transports {
		users += shared.users
	}
	if users != len(sender.pool.lines) {
		t.Errorf("transports count %d users, %d endpoints have one", users, len(sender.pool.lines))
	}
}
