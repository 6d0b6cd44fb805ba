package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// A synchronisation owes deletions page by page. The guard goes by all that it has
// counted, not by those it has owed: of a mass of them none goes out before the rest.
func TestAResyncCountsDeletionsBeforeItOwesOne(t *testing.T) {
	const all, lost = 8000, 4500
	tests := map[string]func(b *bubble){
		"at once": func(b *bubble) {
			if found := b.resync("shop", api.ResyncOrder{Changed: true}); found.Delete != lost {
				b.Errorf("found %+v", found)
			}
		},
		"killed when it has owed a page": func(b *bubble) {
			b.stop()
			b.maxBackground = 500 // it owes a page, and waits
			b.start()
			b.receiver.AnswerStatus(503)
			if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
				b.Fatal(err)
			}
			b.wait(time.Minute)
			b.asItIs()
			b.receiver.AnswerWith(acknowledge)
			b.wait(time.Hour)
		},
	}
	for name, synchronise := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.receiver.AnswerWith(acknowledge)
				b.addManaged("shop")
				b.knows("x", 1, all)
				b.resync("shop", api.ResyncOrder{})
				b.told("shop")
				b.loses(1, lost)
				synchronise(b)
				deleted := slices.DeleteFunc(b.told("shop"), func(told string) bool { return !strings.HasPrefix(told, "delete") })
				if len(deleted) > 0 {
					b.Errorf("told %d deletions", len(deleted))
				}
				if s := b.status(); s.Debts.HeldDeletions != lost {
					b.Errorf("%d deletions are held, want %d", s.Debts.HeldDeletions, lost)
				}
			})
		})
	}
}

// Each mass of deletions is worth a warning, and not each of its deletions, nor those
// that a comparison by the clock finds held again.
func TestEveryMassOfDeletionsIsWarnedOf(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop", `resyncEvery="1h"`)
		b.knows("x", 1, 1000)
		b.wait(61 * time.Minute)
		warned := func(when string, want int) {
			b.Helper()
			b.wait(2 * time.Minute)
			if lines := b.logged.Lines("too many assets would be deleted at a time"); len(lines) != want {
				b.Errorf("%s: %d warnings, want %d: %q", when, len(lines), want, lines)
			}
		}
		vanish := func(first, last int) {
			b.loses(first, last)
			b.push("AssetDeleted", first, last)
		}
		vanish(1, 201)
		warned("a mass", 1)
		vanish(202, 203)
		warned("two more", 1)
		b.wait(5 * time.Hour)
		warned("they are found again", 1)
		b.knows("x", 10, 203)
		b.push("AssetCreated", 10, 203)
		warned("all but nine are back", 1)
		vanish(300, 500)
		warned("another mass", 2)
	})
}

// Deletions that a synchronisation finds count for the guard, also of assets that
// are owed because of events; and no more once it finds the assets again.
func TestTheGuardCountsWhatASynchronisationFinds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.add("shop", debounce(0), slots(1), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
			ep.Options = options("maxBatchSize=10")
		})
		b.knows("x", 1, 200)
		b.resync("shop", api.ResyncOrder{})
		b.told("shop")
		b.receiver.AnswerStatus(503)
		b.knows("y", 1, 90)
		b.push("AssetMetadataUpdated", 1, 90)
		b.push("AssetDeleted", 91, 100)
		b.wait(time.Second)
		b.loses(1, 90)
		if found := b.resync("shop", api.ResyncOrder{Changed: true}); found.Delete != 100 {
			b.Errorf("found %+v", found)
		}
		b.told("shop")
		b.receiver.AnswerWith(acknowledge)
		b.wait(time.Hour)
		deleted := slices.DeleteFunc(b.told("shop"), func(told string) bool { return !strings.HasPrefix(told, "delete") })
		if s := b.status(); len(deleted) > 0 || s.Debts.HeldDeletions != 100 {
			b.Errorf("deleted %v, %d are held", deleted, s.Debts.HeldDeletions)
		}
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", false); err != nil {
			b.Fatal(err)
		}
		b.knows("x", 1, 100)
		b.resync("shop", api.ResyncOrder{Changed: true})
		losses, err := b.daemon.store.Losses(b.Context(), 1, time.Now())
		if err != nil || losses.Pending != 0 || losses.Held != 0 {
			b.Errorf("when all are back: %+v, %v", losses, err)
		}
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", true); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Hour)
		// Those are told that it may have taken as "y", though it did not say so.
		deleted = slices.DeleteFunc(b.told("shop"), func(told string) bool { return !strings.HasPrefix(told, "delete") })
		if s := b.status(); len(deleted) > 0 || s.Endpoints[0].Tracked != 200 {
			b.Errorf("in the end deleted %v, %d are tracked", deleted, s.Endpoints[0].Tracked)
		}
	})
}

func TestDeletionsWhileTheClockWasAheadHoldNoneLater(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 250)
		b.resync("shop", api.ResyncOrder{})
		deletes := func(first, last int) {
			b.loses(first, last)
			b.resync("shop", api.ResyncOrder{Changed: true})
		}
		b.ahead.Store(int64(365 * 24 * time.Hour))
		deletes(1, 45)
		b.ahead.Store(0)
		deletes(46, 46)
		b.wait(15 * time.Minute)
		deletes(47, 52)
		if s := b.status(); s.Debts.HeldDeletions > 0 || s.Endpoints[0].Tracked != 198 {
			b.Errorf("%d deletions are held, %d assets tracked, want 0 and 198", s.Debts.HeldDeletions, s.Endpoints[0].Tracked)
		}
	})
}

// A receiver takes assets and does not say so. If the DAM's export breaks then, it must
// not lose them without that a person has looked.
func TestWhatWasTakenAndNeverAcknowledgedIsGuarded(t *testing.T) {
	for _, event := range []string{"AssetDeleted", "AssetMetadataUpdated"} {
		t.Run(event, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				k := b.keeping(func(dztest.Request) dztest.Answer { return dztest.Answer{Body: `{"Items":[]}`} })
				b.quiet("shop")
				b.knows("x", 1, 300)
				b.push("AssetCreated", 1, 300)
				b.wait(time.Minute)
				if k.count() != 300 || b.tracked("shop") != 0 {
					b.Fatalf("the receiver has %d assets, of which %d are tracked", k.count(), b.tracked("shop"))
				}
				k.answers(acknowledge)
				b.loses(1, 300)
				b.push(event, 1, 300)
				b.wait(time.Hour)
				if s := b.status(); k.count() != 300 || s.Debts.HeldDeletions != 300 {
					b.Errorf("the receiver has %d assets, and %d deletions are held", k.count(), s.Debts.HeldDeletions)
				}
				if released, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil || released.Released != 300 {
					b.Errorf("released %+v, %v", released, err)
				}
				b.wait(time.Minute)
				if s := b.status(); k.count() > 0 || !s.Idle {
					b.Errorf("after the release the receiver has %d assets: %+v", k.count(), s.Debts)
				}
			})
		})
	}
}
