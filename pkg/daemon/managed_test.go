package daemon

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// push has the DAM tell a type of event of assets from first to last.
func (b *bubble) push(typ string, first, last int) {
	b.Helper()
	for id := first; id <= last; id++ {
		if err := b.source.Push(typ, id); err != nil {
			b.Fatal(err)
		}
	}
}

// failures returns the failures of an endpoint, as "asset/5 reason".
func (b *bubble) failures(name string, retrying bool) []string {
	b.Helper()
	query := api.FailureQuery{Page: api.Page{Limit: 1000}}
	query.Endpoint, query.Retrying = name, retrying
	page, err := b.service().ListFailures(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	var list []string
	for _, f := range page.Failures {
		list = append(list, fmt.Sprintf("%s/%s %s", f.Object.Kind, f.Object.BaseID, f.Reason))
	}
	slices.Sort(list)
	return list
}

// retryAll is 'dz failures retry --endpoint NAME', of those that are being retried
// too.
func (b *bubble) retryAll(name string) {
	b.Helper()
	action := api.FailureAction{}
	action.Endpoint, action.Retrying = name, true
	if _, err := b.service().RetryFailures(b.Context(), action); err != nil {
		b.Fatal(err)
	}
	b.wait(time.Minute)
}

func (b *bubble) tracked(name string) uint64 {
	b.Helper()
	for _, ep := range b.status().Endpoints {
		if ep.Name == name {
			return ep.Tracked
		}
	}
	b.Fatalf("there is no %s", name)
	return 0
}

// One asset that an integration can't take does not keep 4,999 others.
func TestOnePoisonousAssetAmongFiveThousand(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const poison = 3210
		mended := false
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			for _, action := range readBatch(r.Body).Actions {
				if action.AssetID == poison && !mended {
					return dztest.Answer{Status: http.StatusInternalServerError}
				}
			}
			return acknowledge(r)
		})
		b.addManaged("shop")
		b.knows("a", 1, 5000)
		b.push("AssetCreated", 1, 5000)
		b.wait(time.Minute)
		if n := b.tracked("shop"); n != 4999 {
			t.Errorf("%d assets are tracked, want all but one", n)
		}
		if got := b.failures("shop", true); !slices.Equal(got, []string{"asset/3210 server-error"}) {
			t.Errorf("in trouble: %q", got)
		}
		if s := b.status().Endpoints[0]; s.State != "healthy" {
			t.Errorf("the endpoint is %s", s.State)
		}
		first := len(b.received("/shop"))
		if first > 5000/100+20 {
			t.Errorf("%d requests, of up to 200 assets each", first)
		}
		b.wait(90 * time.Hour)
		if got := b.failures("shop", false); !slices.Equal(got, []string{"asset/3210 server-error"}) {
			t.Errorf("after three days: %q", got)
		}
		if n := len(b.received("/shop")) - first; n > 9 {
			t.Errorf("%d retries of one asset, want those of its schedule", n)
		}
		mended = true
		b.retryAll("shop")
		if n := b.tracked("shop"); n != 5000 || len(b.failures("shop", true)) > 0 {
			t.Errorf("after a retry %d assets are tracked, failures %q", n, b.failures("shop", true))
		}
	})
}

// A receiver that answers wrongly, and what its operator sees; and when it is
// mended, a retry has everything acknowledged.
func TestReceiversThatAnswerWrongly(t *testing.T) {
	const item = `{"AssetId":1,"IntegrationState":"x"}`
	for _, tt := range []struct {
		name   string
		answer dztest.Answer
		want   []string // of three assets
	}{
		{"short", dztest.Answer{Body: `{"Items":[` + item + `]}`}, []string{"asset/2 no-item-in-answer", "asset/3 no-item-in-answer"}},
		{"double", dztest.Answer{Body: `{"Items":[` + item + `,` + item + `]}`}, []string{"asset/2 no-item-in-answer", "asset/3 no-item-in-answer"}},
		{"foreign", dztest.Answer{Body: `{"Items":[{"AssetId":7},{"AssetId":8}]}`}, []string{"asset/1 no-item-in-answer", "asset/2 no-item-in-answer", "asset/3 no-item-in-answer"}},
		{"broken", dztest.Answer{Body: `{"Items":[` + item}, []string{"asset/1 bad-answer", "asset/2 bad-answer", "asset/3 bad-answer"}},
		{"created", dztest.Answer{Status: 201, Body: `{"Items":[` + item + `]}`}, []string{"asset/1 unexpected-status", "asset/2 unexpected-status", "asset/3 unexpected-status"}},
		{"empty", dztest.Answer{}, []string{"asset/1 bad-answer", "asset/2 bad-answer", "asset/3 bad-answer"}},
		{"object", dztest.Answer{Body: `{"Items":[{"AssetId":1,"IntegrationState":{}},{"AssetId":2},{"AssetId":3}]}`}, []string{"asset/1 bad-answer"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.receiver.AnswerWith(func(dztest.Request) dztest.Answer { return tt.answer })
				b.addManaged("shop")
				b.knows("a", 1, 3)
				b.push("AssetCreated", 1, 3)
				b.wait(time.Second)
				if got := b.failures("shop", true); !slices.Equal(got, tt.want) {
					t.Errorf("the operator sees %q, want %q", got, tt.want)
				}
				if n := b.tracked("shop"); n != uint64(3-len(tt.want)) {
					t.Errorf("%d assets are tracked", n)
				}
				b.receiver.AnswerWith(acknowledge)
				b.retryAll("shop")
				if n := b.tracked("shop"); n != 3 || len(b.failures("shop", true)) > 0 {
					t.Errorf("mended: %d assets are tracked, in trouble %q", n, b.failures("shop", true))
				}
				if s := b.status(); !s.Idle || s.Endpoints[0].State != "healthy" {
					t.Errorf("mended: %+v", s.Endpoints[0])
				}
			})
		})
	}
}

func TestStatesSurviveARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("a", 1, 2)
		b.push("AssetCreated", 1, 2)
		b.wait(time.Minute)
		b.stop()
		b.source.Rewind()
		b.start()
		b.knows("b", 1, 1)
		b.push("AssetMetadataUpdated", 1, 2)
		b.wait(time.Minute)
		requests := b.received("/shop")
		actions := readBatch(requests[len(requests)-1].Body).Actions
		if len(requests) != 2 || len(actions) != 1 || actions[0].State == nil || *actions[0].State != "state of 1" {
			t.Errorf("%d requests, the last %+v", len(requests), actions)
		}
	})
}

// An asset that no event has shown is deleted all the same.
func TestADeletionOfWhatNobodyHasShown(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.push("AssetMetadataUpdated", 1, 1)
		b.wait(time.Minute)
		b.push("AssetDeleted", 1, 2)
		b.wait(time.Minute)
		if got := b.told("shop"); !slices.Equal(got, []string{"delete 1", "sync 1"}) {
			t.Errorf("told %q", got)
		}
		if n := b.tracked("shop"); n != 0 {
			t.Errorf("%d assets are tracked", n)
		}
	})
}

// quiet is a managed endpoint that waits as the default says, so that what arrives
// together is judged together.
func (b *bubble) quiet(name string, settings ...string) {
	b.Helper()
	b.add(name, func(ep *endpoint.Endpoint) {
		ep.Style, ep.Subscription.ChangeTypes = "managed", 0
		ep.Options = options(settings...)
	})
}

// A day on which all 2,676 assets of a museum vanish, and the next, on which they
// return.
func TestAMuseumVanishesAndReturns(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const all = 2676
		b.receiver.AnswerWith(acknowledge)
		b.quiet("guarded")
		b.quiet("bold", "guard=0")
		b.knows("a", 1, all+1)
		b.push("AssetCreated", 1, all)
		b.wait(time.Hour)
		b.told("guarded")
		b.told("bold")

		b.push("AssetDeleted", 1, all)
		b.push("AssetCreated", all+1, all+1)
		b.wait(time.Minute)
		if told := b.told("guarded"); len(told) != 1 || told[0] != fmt.Sprintf("sync %d", all+1) {
			t.Errorf("the guarded endpoint was told %d, %.60q; want what was no deletion", len(told), told)
		}
		if told := b.told("bold"); len(told) != all+1 {
			t.Errorf("the endpoint without a guard was told %d", len(told))
		}
		b.stop()
		b.source.Rewind()
		b.start()
		b.wait(24 * time.Hour)
		if s := b.status(); s.Debts.HeldDeletions != all || len(b.told("guarded")) > 0 {
			t.Errorf("a day and a restart later %d deletions are held", s.Debts.HeldDeletions)
		}

		// All but the last hundred return, as they were. They are told again: whether a
		// deletion that was owed before a start was sent, is not known.
		b.knows("a", 1, all-100)
		b.push("AssetCreated", 1, all-100)
		b.wait(time.Minute)
		if told := b.told("guarded"); len(told) != all-100 || !strings.HasPrefix(told[0], "sync") {
			t.Errorf("of those that are back it was told %d, %.60q", len(told), told)
		}
		if told := b.told("bold"); len(told) != all-100 || !strings.HasPrefix(told[0], "sync") {
			t.Errorf("the endpoint without a guard was told %d of those that are back", len(told))
		}
		if s := b.status(); s.Debts.HeldDeletions != 100 {
			t.Errorf("%d deletions are held", s.Debts.HeldDeletions)
		}
		if released, err := b.service().ReleaseDeletions(b.Context(), "guarded"); err != nil || released.Released != 100 {
			t.Errorf("released %+v, %v", released, err)
		}
		b.wait(time.Minute)
		if told := b.told("guarded"); len(told) != 100 || told[0] != "delete 2577" {
			t.Errorf("after the release it was told %d, %.60q", len(told), told)
		}
		if n, m := b.tracked("guarded"), b.tracked("bold"); n != all-99 || m != all-99 {
			t.Errorf("%d and %d assets are tracked, want %d", n, m, all-99)
		}
	})
}

// A person has decided of those that were released: the guard does not hold the
// next deletion because of them.
func TestTheGuardForgetsWhatWasReleased(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop")
		b.knows("a", 1, 300)
		b.push("AssetCreated", 1, 300)
		b.wait(time.Hour)
		b.push("AssetDeleted", 1, 200)
		b.wait(time.Minute)
		b.told("shop")
		if _, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		b.push("AssetDeleted", 201, 205)
		b.wait(time.Minute)
		if told := b.told("shop"); len(told) != 205 {
			t.Errorf("told %d, want those released and five others", len(told))
		}
	})
}

// Deletions that are fewer in ten minutes than the guard allows pass, however many
// they are in a day.
func TestSlowDeletionsPass(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop")
		b.knows("a", 1, 400)
		b.push("AssetCreated", 1, 400)
		b.wait(time.Hour)
		for first := 1; first <= 400; first += 40 {
			b.push("AssetDeleted", first, first+39)
			b.wait(15 * time.Minute)
		}
		if n := b.tracked("shop"); n != 0 {
			t.Errorf("%d assets are tracked, %d deletions held", n, b.status().Debts.HeldDeletions)
		}
	})
}

// Exactly a fifth passes, and one more does not; so do exactly fifty of a few.
func TestTheEdgesOfTheGuard(t *testing.T) {
	for _, tt := range []struct{ tracked, deleted, held int }{
		{1000, 200, 0}, {1000, 201, 201}, {60, 50, 0}, {60, 51, 51}, {10, 10, 0},
	} {
		t.Run(fmt.Sprintf("%d of %d", tt.deleted, tt.tracked), func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.receiver.AnswerWith(acknowledge)
				b.quiet("shop")
				b.knows("a", 1, tt.tracked)
				b.push("AssetCreated", 1, tt.tracked)
				b.wait(time.Hour)
				b.push("AssetDeleted", 1, tt.deleted)
				b.wait(time.Minute)
				if held := b.status().Debts.HeldDeletions; held != uint64(tt.held) {
					t.Errorf("%d are held, want %d", held, tt.held)
				}
			})
		})
	}
}

// slowStore is a store in which the end of attempts takes a second to be durable.
type slowStore struct{ store.Engine }

func (s slowStore) Settle(ctx context.Context, endpoint uint64, attempts []store.Attempt) ([]store.Settled, error) {
	<-time.After(time.Second)
	return s.Engine.Settle(ctx, endpoint, attempts)
}

// The guard counts what was acknowledged a moment ago, too: requests follow each
// other faster than the disk.
func TestTheGuardCountsWhatIsNotDurableYet(t *testing.T) {
	t.Parallel()
	for _, slots := range []int{1, 8} {
		t.Run(fmt.Sprintf("%d slots", slots), func(t *testing.T) {
			inBubbleWith(t, func(b *bubble) {
				b.wrap = func(engine store.Engine) store.Engine { return slowStore{engine} }
			}, func(b *bubble) {
				b.receiver.AnswerWith(acknowledge)
				b.quiet("shop", "maxBatchSize=40")
				if _, err := b.daemon.registry.update(b.Context(), "shop", time.Now(), false, func(ep *endpoint.Endpoint) error {
					ep.Concurrency = slots
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				b.knows("a", 1, 1000)
				b.push("AssetCreated", 1, 1000)
				b.wait(time.Hour)
				b.told("shop")
				b.loses(1, 1000)
				b.push("AssetMetadataUpdated", 1, 1000)
				b.wait(time.Hour)
				if told := b.told("shop"); len(told) != 200 {
					t.Errorf("%d of 1000 assets are deleted, want a fifth", len(told))
				}
				if held := b.status().Debts.HeldDeletions; held != 800 {
					t.Errorf("%d deletions are held", held)
				}
			})
		})
	}
}
