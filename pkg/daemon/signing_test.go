package daemon

import (
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// verifies reports whether the reference implementation verifies a request, now.
func verifies(t *testing.T, r dztest.Request, secret string) bool {
	t.Helper()
	reference, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return reference.Verify([]byte(r.Body), r.Header) == nil
}

func TestARotationIsSeamlessForAReceiver(t *testing.T) {
	inBubble(t, func(b *bubble) {
		key, err := signature.Make(signature.HMAC)
		if err != nil {
			t.Fatal(err)
		}
		before := key.Reveal()
		b.add("shop", debounce(0), func(ep *endpoint.Endpoint) { ep.RotateSigning(before, 0, time.Now()) })
		told := func() dztest.Request {
			b.Helper()
			n := len(b.received(""))
			b.change(n + 1)
			b.wait(time.Second)
			b.want(n+1, "after a change")
			return b.received("")[n]
		}
		if !verifies(t, told(), before) {
			t.Error("before the rotation: it does not verify")
		}
		rotated, err := b.service().RotateSecret(b.Context(), "shop", admin.Rotation{Keep: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		after := rotated.Endpoint.Signing[0].Secret
		if r := told(); !verifies(t, r, before) || !verifies(t, r, after) {
			t.Error("during the rotation: it does not verify with both secrets")
		}
		b.stop() // what is signed with does not depend on the daemon's memory
		b.start()
		if r := told(); !verifies(t, r, before) || !verifies(t, r, after) {
			t.Error("during the rotation, after a restart: it does not verify with both secrets")
		}
		b.wait(time.Hour)
		if r := told(); verifies(t, r, before) || !verifies(t, r, after) {
			t.Error("after the rotation: it verifies with the old secret, or not with the new one")
		}
		if _, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
			ep.Description = "the shop"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if shop, err := b.service().GetEndpoint(b.Context(), "shop"); err != nil || len(shop.Endpoint.Signing) != 1 {
			t.Errorf("after it expired, the old secret is kept: %d secrets, %v", len(shop.Endpoint.Signing), err)
		}
	})
}

// A retry is another attempt: it has a timestamp, and so a signature, of its own.
func TestEveryAttemptIsSignedAnew(t *testing.T) {
	inBubble(t, func(b *bubble) {
		key, err := signature.Make(signature.HMAC)
		if err != nil {
			t.Fatal(err)
		}
		b.add("shop", debounce(0), retry(10*time.Minute), func(ep *endpoint.Endpoint) { ep.RotateSigning(key.Reveal(), 0, time.Now()) })
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if !verifies(t, r, key.Reveal()) {
				t.Errorf("attempt %d does not verify at its time", r.N)
			}
			return dztest.Answer{Status: map[bool]int{true: 503, false: 200}[r.N == 1]}
		})
		b.change(1)
		b.wait(time.Hour)
		b.want(2, "after a retry")
		all := b.received("")
		if id := all[0].Header.Get(signature.HeaderID); id == "" || id != all[1].Header.Get(signature.HeaderID) {
			t.Errorf("the attempts have the ids %s and %s", id, all[1].Header.Get(signature.HeaderID))
		}
	})
}

func TestWhatDoesNotSignIsNotRotated(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		_, err := b.service().RotateSecret(b.Context(), "shop", admin.Rotation{})
		wantCode(t, err, api.CodeConflict)
		_, err = b.service().RotateSecret(b.Context(), "shp", admin.Rotation{})
		wantCode(t, err, api.CodeNotFound)
	})
}
