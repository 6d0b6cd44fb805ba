package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// keeps has a receiver take each asset that it is told, and keep it until it is
// told to delete it, whatever it answers.
type keeps struct {
	mu     sync.Mutex
	assets map[int]string // their titles
	answer func(dztest.Request) dztest.Answer
}

// keeping makes the bubble's receiver one that keeps assets, and answers so.
func (b *bubble) keeping(answer func(dztest.Request) dztest.Answer) *keeps {
	k := &keeps{assets: make(map[int]string), answer: answer}
	b.receiver.AnswerWith(k.take)
	return k
}

// answers sets how it answers from now on.
func (k *keeps) answers(answer func(dztest.Request) dztest.Answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = answer
}

// count returns how many assets it has.
func (k *keeps) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.assets)
}

// title is that of an asset that it has, "" if it has none.
func (k *keeps) title(asset int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.assets[asset]
}

func (k *keeps) take(r dztest.Request) dztest.Answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, action := range readBatch(r.Body).Actions {
		var asset struct{ Title string }
		if action.Type == "delete" {
			delete(k.assets, action.AssetID)
		} else if err := json.Unmarshal(action.Asset, &asset); err == nil {
			k.assets[action.AssetID] = asset.Title
		}
	}
	return k.answer(r)
}

// changes has the DAM tell a type of event of asset 1, and the field that changed, if
// any is named.
func (b *bubble) changes(typ, field string) {
	b.Helper()
	var fields []string
	if field != "" {
		fields = []string{field}
	}
	if err := b.source.Push(typ, 1, fields...); err != nil {
		b.Fatal(err)
	}
}

// restart stops dz in order, and starts it again.
func (b *bubble) restart() {
	b.Helper()
	b.stop()
	b.start()
}

// silent is no answer.
func silent(dztest.Request) dztest.Answer { return dztest.Answer{Delay: time.Hour} }

// A receiver may have taken what it did not acknowledge. If the asset is gone
// before it is told again, the receiver must not have it for ever.
func TestWhatIsGoneBeforeItIsAcknowledgedIsDeleted(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answer   func(dztest.Request) dztest.Answer // to the creation
		wait     time.Duration                      // before the asset goes
		restarts bool                               // then
		back     time.Duration                      // is set the clock meanwhile
	}{
		{name: "a timeout", answer: silent, wait: 3 * time.Minute},
		{name: "a connection that closes", answer: func(dztest.Request) dztest.Answer { return dztest.Answer{HangUp: true} }},
		{name: "an answer that can't be read", answer: func(dztest.Request) dztest.Answer { return dztest.Answer{Body: "{"} }},
		{name: "an answer without the asset", answer: func(dztest.Request) dztest.Answer { return dztest.Answer{Body: `{"Items":[]}`} }},
		{name: "a failure", answer: func(dztest.Request) dztest.Answer { return dztest.Answer{Status: 500} }},
		{name: "a timeout, and a restart", answer: silent, wait: 3 * time.Minute, restarts: true},
		{name: "a restart in the middle of it", answer: silent, restarts: true},
		{name: "a restart, and a clock that is set back", answer: silent, restarts: true, back: time.Hour},
	} {
		for _, goes := range []string{"it is deleted", "it is hidden", "it leaves the filter"} {
			t.Run(tt.name+", "+goes, func(t *testing.T) {
				inBubble(t, func(b *bubble) {
					k := b.keeping(tt.answer)
					b.add("shop", debounce(0), func(ep *endpoint.Endpoint) {
						ep.Style, ep.Subscription.ChangeTypes = "managed", 0
						ep.Subscription.Filter = `asset.title == "wanted"`
					})
					b.knows("wanted", 1, 2)
					b.push("AssetCreated", 1, 1)
					b.wait(time.Second)
					if k.count() != 1 {
						t.Fatalf("the receiver has %d assets", k.count())
					}
					b.wait(tt.wait)
					switch goes {
					case "it is deleted":
						b.push("AssetDeleted", 1, 1)
					case "it is hidden":
						b.loses(1, 1)
						b.push("AssetMetadataUpdated", 1, 1)
					default:
						b.knows("unwanted", 1, 1)
						b.push("AssetMetadataUpdated", 1, 1)
					}
					b.wait(time.Second)
					if tt.restarts {
						b.stop()
						b.ahead.Store(-int64(tt.back))
						b.start()
					}
					k.answers(acknowledge)
					b.wait(10 * time.Hour)
					if k.count() > 0 || b.tracked("shop") != 0 {
						t.Errorf("the receiver still has %d assets, and %d are tracked", k.count(), b.tracked("shop"))
					}
					if s := b.status(); !s.Idle || s.Debts.HeldDeletions > 0 {
						t.Errorf("in the end: %+v", s.Debts)
					}
				})
			})
		}
	}
}

// What dz has not sent, it need not take back.
func TestWhatWasNeverSentIsNotDeleted(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		if _, err := b.daemon.registry.enable(b.Context(), "shop", false, time.Now()); err != nil {
			t.Fatal(err)
		}
		b.knows("a", 1, 5)
		b.push("AssetCreated", 1, 5)
		b.wait(time.Minute)
		b.push("AssetDeleted", 1, 4)
		b.wait(time.Minute)
		if _, err := b.daemon.registry.enable(b.Context(), "shop", true, time.Now()); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Minute)
		if told := b.told("shop"); !slices.Equal(told, []string{"sync 5"}) {
			t.Errorf("told %q", told)
		}
	})
}

// What an endpoint was never told it need not delete, however dz ended: of what was
// owed before, only what was under way is unclear.
func TestABacklogOfWhatIsNotWantedIsSkippedAfterARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.add("shop", debounce(0), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
			ep.Subscription.Filter = `asset.title == "wanted"`
			ep.Enabled = false
		})
		b.knows("unwanted", 1, 300)
		b.push("AssetMetadataUpdated", 1, 300)
		b.push("AssetDeleted", 201, 300)
		b.wait(time.Minute)
		b.asItIs()
		if _, err := b.daemon.registry.enable(b.Context(), "shop", true, time.Now()); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Hour)
		if told := b.told("shop"); len(told) > 0 {
			t.Errorf("told %d deletions of what it never had", len(told))
		}
		if s := b.status(); !s.Idle || s.Endpoints[0].Skipped != 300 {
			t.Errorf("in the end: %+v", s.Endpoints[0])
		}
	})
}

// Nor what could not be sent.
func TestWhatNeverCameToTheReceiverIsNotDeletedAfterARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.network.Refuse(true)
		b.addManaged("shop")
		b.knows("a", 1, 5)
		b.push("AssetCreated", 1, 5)
		b.wait(time.Minute)
		b.asItIs()
		b.network.Refuse(false)
		b.push("AssetDeleted", 1, 5)
		b.wait(10 * time.Hour)
		if told := b.told("shop"); len(told) > 0 {
			t.Errorf("told %q", told)
		}
	})
}

// A request that fails as a whole is divided; what of it is not told again, because
// the receiver falls ill in the middle, may have been taken all the same.
func TestADivisionThatBreaksOffLeavesADoubt(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprintf("restart %v", restarts), func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				var n atomic.Int64
				k := b.keeping(func(r dztest.Request) dztest.Answer {
					switch n.Add(1) {
					case 1, 3: // all of it, and its second half
						return dztest.Answer{Status: http.StatusInternalServerError}
					case 2:
						return acknowledge(r)
					default:
						return dztest.Answer{Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "600"}}
					}
				})
				b.quiet("shop", "guard=0")
				b.knows("a", 1, 100)
				b.push("AssetCreated", 1, 100)
				b.wait(time.Minute)
				if n.Load() != 4 || b.tracked("shop") != 50 {
					t.Fatalf("%d requests, %d assets tracked; want the division to break off in its second half", n.Load(), b.tracked("shop"))
				}
				k.answers(acknowledge)
				if restarts {
					b.stop()
					b.source.Rewind()
					b.start()
				}
				b.push("AssetDeleted", 1, 100)
				b.wait(time.Hour)
				if k.count() > 0 || b.tracked("shop") != 0 {
					t.Errorf("the receiver still has %d assets, and %d are tracked", k.count(), b.tracked("shop"))
				}
			})
		})
	}
}

// A resync that is cut off has told assets, too.
func TestWhatIsGoneWhileAResyncIsCutOffIsDeleted(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k := b.keeping(silent)
		b.addManaged("shop", "guard=0")
		b.knows("a", 1, 300)
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			t.Fatal(err)
		}
		b.wait(10 * time.Second)
		if k.count() == 0 {
			t.Fatal("nothing was told")
		}
		b.loses(1, 300)
		b.stop()
		k.answers(acknowledge)
		b.start()
		b.wait(time.Hour)
		if k.count() > 0 || b.tracked("shop") != 0 {
			t.Errorf("the receiver still has %d assets, and %d are tracked", k.count(), b.tracked("shop"))
		}
	})
}

// A receiver may have taken a deletion or an update that it did not acknowledge. If the
// asset returns to the form that it acknowledged last, it is told all the same.
func TestAnAssetThatReturnsToWhatWasAcknowledgedIsTold(t *testing.T) {
	failure := func(dztest.Request) dztest.Answer { return dztest.Answer{Status: http.StatusInternalServerError} }
	for _, tt := range []struct {
		name   string
		answer func(dztest.Request) dztest.Answer // to the deletion, or the update
		wait   time.Duration                      // before the asset returns
		ends   func(*bubble)                      // dz, after that
	}{
		{"a timeout", silent, 3 * time.Minute, nil},
		{"a failure", failure, 0, nil},
		{"a stop in the middle of it", silent, 0, (*bubble).restart},
		{"a kill in the middle of it", silent, 0, (*bubble).asItIs},
	} {
		for _, change := range []struct {
			name  string
			event string
			field string // that the events name, if any
			now   func(b *bubble)
		}{
			{"deleted", "AssetDeleted", "", func(b *bubble) { b.loses(1, 1) }},
			{"updated", "AssetMetadataUpdated", "", func(b *bubble) { b.knows("two", 1, 1) }},
			{"out of the filter by a field that it is not shown", "AssetMetadataUpdated", "internal", func(b *bubble) { b.knows("unwanted", 1, 1) }},
		} {
			t.Run(change.name+", "+tt.name, func(t *testing.T) {
				inBubble(t, func(b *bubble) {
					k := b.keeping(acknowledge)
					b.add("shop", debounce(0), func(ep *endpoint.Endpoint) {
						ep.Style, ep.Subscription.ChangeTypes = "managed", 0
						ep.Subscription.Filter = `asset.title != "unwanted"`
					})
					b.knows("one", 1, 1)
					b.push("AssetCreated", 1, 1)
					b.wait(time.Minute)
					k.answers(tt.answer)
					change.now(b)
					b.changes(change.event, change.field)
					b.wait(time.Second)
					if got := k.title(1); got == "one" {
						t.Fatal("the receiver was not told")
					}
					b.wait(tt.wait)
					b.knows("one", 1, 1)
					b.changes("AssetMetadataUpdated", change.field)
					b.wait(time.Second)
					if tt.ends != nil {
						tt.ends(b)
					}
					k.answers(acknowledge)
					b.wait(10 * time.Hour)
					if got := k.title(1); got != "one" {
						t.Errorf("the receiver has %q, want the asset as it is", got)
					}
					if s := b.status(); !s.Idle || s.Endpoints[0].Tracked != 1 {
						t.Errorf("in the end: %+v", s.Endpoints[0])
					}
				})
			})
		}
	}
}

// A resync of what differs tells it too, if dz does not try any more.
func TestAResyncOfWhatDiffersTellsWhatIsUnclear(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k := b.keeping(acknowledge)
		b.add("shop", debounce(0), retry(time.Minute), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
		})
		b.knows("one", 1, 9)
		b.push("AssetCreated", 1, 9)
		b.wait(time.Minute)
		k.answers(func(dztest.Request) dztest.Answer { return dztest.Answer{Status: http.StatusInternalServerError} })
		b.loses(1, 1)
		b.push("AssetDeleted", 1, 1)
		b.knows("two", 2, 2)
		b.push("AssetMetadataUpdated", 2, 2)
		b.wait(10 * time.Hour)
		if failed := b.status().Debts.Failed; failed != 2 || k.count() != 8 {
			t.Fatalf("%d failures, and the receiver has %d assets", failed, k.count())
		}
		k.answers(acknowledge)
		b.knows("one", 1, 2) // as they were
		b.told("shop")
		changed := api.ResyncOrder{Changed: true}
		dry := b.dryResync("shop", changed)
		if found := b.resync("shop", changed); found.Update != 2 || found.Unchanged != 7 || dry != found {
			t.Errorf("found %+v, dry %+v", found, dry)
		}
		if told := b.told("shop"); !slices.Equal(told, []string{"sync 1", "sync 2"}) || k.title(1) != "one" || k.title(2) != "one" {
			t.Errorf("told %q; the receiver has %q and %q", told, k.title(1), k.title(2))
		}
		if found := b.resync("shop", changed); found.Unchanged != 9 {
			t.Errorf("after it: %+v", found)
		}
	})
}

// A DAM may tell a deletion before its catalogue shows it. A resync that finds the
// asset as it was acknowledged leaves the deletion to be looked at again: no other event
// will tell of it.
func TestAResyncDoesNotTakeBackADeletionThatIsStillTried(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k := b.keeping(acknowledge)
		b.add("shop", debounce(0), retry(time.Hour, time.Hour), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
		})
		b.knows("one", 1, 1)
		b.push("AssetCreated", 1, 1)
		b.wait(time.Minute)
		k.answers(func(dztest.Request) dztest.Answer { return dztest.Answer{Status: http.StatusInternalServerError} })
		b.push("AssetDeleted", 1, 1)
		b.wait(time.Minute)
		b.knows("one", 1, 1)
		if found := b.resync("shop", api.ResyncOrder{Changed: true}); found.Update != 1 {
			t.Errorf("found %+v", found)
		}
		query := api.FailureQuery{Page: api.Page{Limit: 10}}
		query.Retrying = true
		page, err := b.service().ListFailures(b.Context(), query)
		if err != nil || len(page.Failures) != 1 || page.Failures[0].EventType != "AssetDeleted" {
			t.Errorf("owed are %+v, %v; want the deletion", page.Failures, err)
		}
	})
}
