package daemon

import (
	"context"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

func isTemporary(ep *endpoint.Endpoint) { ep.Temporary = true }

func (b *bubble) isThere(name string) bool {
	_, err := b.daemon.registry.byName(name)
	return err == nil
}

func TestATemporaryEndpointGoesWithWhoWatchesIt(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.add("listen", isTemporary)
		watch := hear(b, func(ctx context.Context, tell func(api.Line[api.Attempt]) error) error {
			return b.service().WatchEndpoint(ctx, "listen", tell)
		})
		b.wait(time.Hour)
		if !b.isThere("listen") {
			t.Fatal("an endpoint is gone that is watched")
		}
		watch.stop(b)
		b.wait(temporaryGrace - time.Second)
		if !b.isThere("listen") {
			t.Error("who has gone for less than a minute can't come back")
		}
		b.wait(2*time.Minute + time.Second)
		if b.isThere("listen") || !b.isThere("shop") {
			t.Errorf("listen is there: %t, shop is there: %t; want only shop", b.isThere("listen"), b.isThere("shop"))
		}
	})
}

// A receiver that was killed leaves an endpoint; so may a daemon that was.
func TestATemporaryEndpointIsRemovedAfterAStart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("listen", isTemporary)
		b.stop()
		b.wait(24 * time.Hour)
		b.start()
		b.wait(temporaryGrace - time.Second)
		if !b.isThere("listen") {
			t.Error("a receiver has no time to watch again after a start")
		}
		b.wait(2 * time.Minute)
		if b.isThere("listen") {
			t.Error("an endpoint that nobody watches is still there after a start")
		}
	})
}
