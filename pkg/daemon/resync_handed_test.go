package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
)

// What was handed on is owed if the endpoint fails. However often it does, a job owes no
// more than it may.
func TestAnEndpointThatComesAndGoesIsNotOwedTheCatalogue(t *testing.T) {
	inBubbleWith(t, func(b *bubble) { b.maxBackground = 100 }, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 12_000)
		var n atomic.Int64
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if n.Add(1)%2 == 0 {
				return dztest.Answer{Status: http.StatusServiceUnavailable, Delay: time.Second}
			}
			a := acknowledge(r)
			a.Delay = time.Second
			return a
		})
		b.begin("shop")
		most := uint64(0)
		for range 100 {
			b.wait(10 * time.Second)
			most = max(most, b.status().Endpoints[0].Background)
		}
		if most > 100+6000 { // and what may be handed on
			b.Errorf("%d in the background", most)
		}
		b.receiver.AnswerWith(acknowledge)
		b.wait(100 * time.Hour)
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Phase != api.ResyncDone || !b.status().Idle {
			b.Errorf("in the end: %+v, %v", state, err)
		}
	})
}

// Likewise what may have been told before a kill.
func TestKillsOfAResyncDoNotFillTheStore(t *testing.T) {
	inBubbleWith(t, func(b *bubble) { b.maxBackground = 100 }, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 15_000)
		b.receiver.AnswerWith(takingLong(20 * time.Second))
		b.begin("shop")
		for range 6 {
			b.wait(time.Second)
			b.asItIs()
		}
		b.wait(time.Second)
		if n := b.status().Endpoints[0].Background; n > 100+10_000 {
			b.Errorf("%d in the background", n)
		}
	})
}

// A release is one of the deletions that were held then. A page that was handed on before
// it, and is told when the assets are gone, takes no part in it.
func TestARangeThatIsHandedOnReleasesNoDeletions(t *testing.T) {
	for _, released := range []bool{false, true} {
		t.Run(fmt.Sprint(released), func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.receiver.AnswerWith(acknowledge)
				b.add("shop", debounce(0), slots(1), func(ep *endpoint.Endpoint) {
					ep.Style, ep.Subscription.ChangeTypes = "managed", 0
					ep.Options = options("maxBatchSize=10")
				})
				b.tracks("shop", 3000)
				b.receiver.AnswerWith(takingLong(10 * time.Second))
				b.begin("shop")
				b.wait(time.Second)
				if released {
					if _, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil {
						b.Fatal(err)
					}
				}
				b.wait(time.Second)
				b.loses(1000, 1999)
				b.push("AssetDeleted", 1000, 1999)
				b.wait(time.Minute)
				b.told("shop")
				b.wait(5 * time.Hour)
				deleted := slices.DeleteFunc(b.told("shop"), func(told string) bool { return !strings.HasPrefix(told, "delete") })
				if s := b.status(); len(deleted) > 0 || s.Debts.HeldDeletions != 1000 {
					b.Errorf("deleted %d, %d are held", len(deleted), s.Debts.HeldDeletions)
				}
			})
		})
	}
}

// A receiver may pass over what comes under an id that it knows, and a restored store tells
// other things than before.
func TestWhatIsHandedOnAfterARestoreHasNewNames(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 9000)
		b.receiver.AnswerWith(takingLong(time.Second))
		before := len(b.received("/shop"))
		b.begin("shop")
		b.wait(500 * time.Millisecond)
		backup := b.backup()
		b.wait(time.Hour)
		ids := make(map[string]bool)
		at := len(b.received("/shop"))
		for _, r := range b.received("/shop")[before:] {
			ids[r.Header.Get("Webhook-Id")] = true
		}
		b.restore(backup)
		b.wait(time.Hour)
		again, all := 0, 0
		for _, r := range b.received("/shop")[at:] {
			all++
			if ids[r.Header.Get("Webhook-Id")] {
				again++
			}
		}
		if again > 0 || all == 0 {
			b.Errorf("%d of %d requests after the restore have the webhook-id of one before", again, all)
		}
	})
}

// 501 of 3,000 are fewer than the guard holds, also if events tell of them while the assets
// are handed on.
func TestADeletionOfWhatIsHandedOnCountsOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.add("shop", debounce(10*time.Second), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
			ep.Options = options("guard=20")
		})
		b.tracks("shop", 3000)
		b.receiver.AnswerWith(takingLong(time.Second))
		b.begin("shop")
		b.wait(500 * time.Millisecond)
		b.loses(1250, 1750)
		b.push("AssetDeleted", 1250, 1750)
		b.wait(time.Hour)
		if s := b.status(); s.Debts.HeldDeletions > 0 {
			b.Errorf("%d deletions are held, of 501 of 3000", s.Debts.HeldDeletions)
		}
	})
}

// What is new is owed, and goes before what is handed on: a job does not go on through the
// catalogue while a page behind it waits, or a kill would have all of it looked at again.
func TestAJobDoesNotRunAwayFromAPageThatWaits(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 1000)
		b.knows("new", 1001, 15_000)
		b.receiver.AnswerWith(takingLong(time.Second))
		b.begin("shop")
		furthest := 0
		for range 20 {
			b.wait(500 * time.Millisecond)
			job, err := b.daemon.store.Resync(b.Context(), 1)
			if err != nil {
				b.Fatal(err)
			}
			if job.Handed != "" {
				from, _ := strconv.Atoi(job.Cursor)
				to, _ := strconv.Atoi(job.Handed)
				furthest = max(furthest, to-from)
			}
		}
		if furthest == 0 || furthest > 9000 {
			b.Errorf("the job has gone on %d assets beyond what is told", furthest)
		}
		b.wait(time.Hour)
		if found := b.dryResync("shop", api.ResyncOrder{Changed: true}); found.Unchanged != 15_000 {
			b.Errorf("in the end: %+v", found)
		}
	})
}

// What is handed on remains to be told, if the endpoint is switched off.
func TestWhatIsHandedOnRemains(t *testing.T) {
	handing(t, 3000, func(b *bubble, _ *fullStore) {
		b.wait(500 * time.Millisecond)
		if done, err := b.daemon.finished(b.Context()); done || err != nil {
			b.Errorf("while it is told: %t, %v", done, err)
		}
		off := func(ep *endpoint.Endpoint) error { ep.Enabled = false; return nil }
		if _, err := b.service().UpdateEndpoint(b.Context(), "shop", off); err != nil { // no time passes
			b.Fatal(err)
		}
		if done, err := b.daemon.finished(b.Context()); !done || !errors.Is(err, ErrFailuresRemain) {
			b.Errorf("when nothing is sent any more: %t, %v", done, err)
		}
		b.enable(true)
		b.wait(time.Minute)
	})
}

// unordered is a catalogue whose lists have no order that lasts.
type unordered struct{ catalogue.Viewer }

// With another catalogue, it is not known where in it a job was: it begins anew, so that
// what may have been told is told again.
func TestAJobBeginsAnewWithAnotherCatalogue(t *testing.T) {
	t.Parallel()
	job := resync.Job{Phase: resync.Listing, Cursor: "3", Handed: "5", Found: resync.Found{Seen: 3}}
	for _, c := range []struct {
		viewer catalogue.Viewer
		cursor string
	}{{catalogue.NewEmbedded(nil), "3"}, {unordered{}, ""}} {
		s, err := (&resyncs{viewer: c.viewer}).search(1, job)
		if err != nil || s.job.Cursor != c.cursor || (s.job.Found.Seen == 0) != (c.cursor == "") {
			t.Errorf("%T: goes on at %+v, %v, want the cursor %q", c.viewer, s.job, err, c.cursor)
		}
	}
}

// A job that a kill breaks off finds, when it goes on, also what is gone of that which it
// had passed before the kill.
func TestAResyncThatIsKilledFindsWhatIsGoneBeforeItsCursor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k := b.keeping(acknowledge)
		b.addManaged("shop", "guard=0")
		b.tracks("shop", 15_000)
		b.loses(1, 3)
		k.answers(takingLong(time.Second))
		b.begin("shop")
		b.wait(3700 * time.Millisecond)
		before, err := b.daemon.store.Resync(b.Context(), 1)
		if err != nil || before.Cursor == "" || !before.Running() {
			b.Fatalf("before the kill: %+v, %v", before, err)
		}
		b.asItIs()
		b.wait(time.Hour)
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Found.Delete != 3 || k.count() != 14_997 {
			b.Errorf("in the end: %+v, %v; the receiver has %d", state, err, k.count())
		}
	})
}
