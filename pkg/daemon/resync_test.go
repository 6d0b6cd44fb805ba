package daemon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// managedBatch is what a managed endpoint is sent.
type managedBatch struct {
	Actions []struct {
		Type    string          `json:"type"`
		AssetID int             `json:"assetId"`
		Asset   json.RawMessage `json:"asset"`
		State   *string         `json:"integrationState"`
	} `json:"actions"`
}

func readBatch(body string) (batch managedBatch) {
	if err := json.Unmarshal([]byte(body), &batch); err != nil {
		panic(err)
	}
	return batch
}

// acknowledge answers as an integration does that takes everything.
func acknowledge(r dztest.Request) dztest.Answer {
	var items []string
	for _, action := range readBatch(r.Body).Actions {
		items = append(items, fmt.Sprintf(`{"AssetId":%d,"IntegrationState":"state of %d"}`, action.AssetID, action.AssetID))
	}
	return dztest.Answer{Body: `{"Items":[` + strings.Join(items, ",") + `]}`}
}

// addManaged registers an integration; settings are options of the style.
func (b *bubble) addManaged(name string, settings ...string) endpoint.Endpoint {
	b.Helper()
	return b.add(name, debounce(0), func(ep *endpoint.Endpoint) {
		ep.Style, ep.Subscription.ChangeTypes = "managed", 0
		ep.Options = options(settings...)
	})
}

// options reads options as name=JSON.
func options(settings ...string) map[string]json.RawMessage {
	all := make(map[string]json.RawMessage)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		all[name] = json.RawMessage(value)
	}
	return all
}

// knows makes the catalogue know assets from first to last with that title.
func (b *bubble) knows(title string, first, last int) {
	b.Helper()
	var assets []catalogue.Asset
	for id := first; id <= last; id++ {
		assets = append(assets, catalogue.Asset{
			ID: event.IntID(int64(id)), ItemID: event.IntID(int64(id)), Data: fmt.Appendf(nil, `{"assetId":%d,"title":%q}`, id, title),
			Changed: time.Now(),
		})
	}
	if _, err := b.daemon.store.ImportAssets(b.Context(), assets, time.Now()); err != nil {
		b.Fatal(err)
	}
}

// loses makes assets be deleted without that an event says so.
func (b *bubble) loses(first, last int) {
	b.Helper()
	var assets []catalogue.Asset
	for id := first; id <= last; id++ {
		assets = append(assets, catalogue.Asset{ID: event.IntID(int64(id)), Deleted: true, Changed: time.Now()})
	}
	if _, err := b.daemon.store.ImportAssets(b.Context(), assets, time.Now()); err != nil {
		b.Fatal(err)
	}
}

// told returns what an endpoint was told since the last call, as "sync 5".
func (b *bubble) told(name string) []string {
	b.Helper()
	all := b.received("/" + name)
	var told []string
	for _, r := range all[b.seen[name]:] {
		for _, action := range readBatch(r.Body).Actions {
			told = append(told, action.Type+" "+strconv.Itoa(action.AssetID))
		}
	}
	if b.seen == nil {
		b.seen = make(map[string]int)
	}
	b.seen[name] = len(all)
	slices.Sort(told)
	return told
}

// resync synchronises an endpoint again, waits for all that comes of it, and
// returns what it found.
func (b *bubble) resync(name string, order api.ResyncOrder) api.ResyncFound {
	b.Helper()
	if _, err := b.service().StartResync(b.Context(), name, order); err != nil {
		b.Fatal(err)
	}
	b.wait(time.Minute)
	state, err := b.service().GetResync(b.Context(), name)
	if err != nil || state.Phase != api.ResyncDone {
		b.Fatalf("the synchronisation has not come to its end: %+v, %v", state, err)
	}
	return state.Found
}

func (b *bubble) dryResync(name string, order api.ResyncOrder) api.ResyncFound {
	b.Helper()
	order.DryRun = true
	job, err := b.service().StartResync(b.Context(), name, order)
	if err != nil || !job.DryRun || job.Phase != api.ResyncDone {
		b.Fatalf("dry: %+v, %v", job, err)
	}
	return job.Found
}

func TestAFullResyncTellsAllAndTheChangedOneWhatDiffers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", "guard=0")
		b.knows("old", 1, 1203)
		for _, step := range []struct {
			name   string
			before func()
			order  api.ResyncOrder
			found  api.ResyncFound
			told   int
		}{
			{"everything is new", func() {}, api.ResyncOrder{}, api.ResyncFound{Seen: 1203, Create: 1203}, 1203},
			{"nothing has changed", func() {}, api.ResyncOrder{Changed: true}, api.ResyncFound{Seen: 1203, Unchanged: 1203}, 0},
			{"everything is told again", func() {}, api.ResyncOrder{}, api.ResyncFound{Seen: 1203, Update: 1203}, 1203},
			{"some have changed, come, and gone", func() {
				b.knows("new", 5, 6)
				b.knows("new", 1204, 1204)
				b.loses(1000, 1002)
			}, api.ResyncOrder{Changed: true}, api.ResyncFound{Seen: 1204, Create: 1, Update: 2, Delete: 3, Unchanged: 1198}, 6},
			{"and all is well again", func() {}, api.ResyncOrder{Changed: true}, api.ResyncFound{Seen: 1201, Unchanged: 1201}, 0},
		} {
			step.before()
			dry := b.dryResync("shop", step.order)
			if len(b.told("shop")) > 0 {
				b.Errorf("%s: a dry run told something", step.name)
			}
			if found := b.resync("shop", step.order); found != step.found || dry != found {
				b.Errorf("%s: found %+v, dry %+v, want %+v", step.name, found, dry, step.found)
			}
			if told := b.told("shop"); len(told) != step.told {
				b.Errorf("%s: told %d: %v, want %d", step.name, len(told), told[:min(10, len(told))], step.told)
			}
		}
		if status := b.status(); !status.Idle || status.Endpoints[0].Tracked != 1201 || status.Endpoints[0].Resync.Remaining != 0 {
			b.Errorf("in the end: %+v", status)
		}
	})
}

func TestAResyncFindsWhatIsGoneThoughTheClockWasSetBack(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 10)
		b.resync("shop", api.ResyncOrder{})
		b.told("shop")
		for i, order := range []api.ResyncOrder{{}, {Changed: true}} {
			gone := 4 + i
			b.loses(gone, gone)
			b.ahead.Add(-int64(time.Hour))
			if found := b.resync("shop", order); found.Delete != 1 {
				b.Errorf("changed=%t: found %+v, want one that is gone", order.Changed, found)
			}
			if told, want := b.told("shop"), fmt.Sprintf("delete %d", gone); !slices.Contains(told, want) {
				b.Errorf("changed=%t: told %v, want %q", order.Changed, told, want)
			}
		}
	})
}

// Wherever they lie, and however many: what is gone is found beside the list of what is there.
func TestAResyncFindsWhatIsGoneAnywhere(t *testing.T) {
	for name, gone := range map[string][2]int{
		"the first": {1, 1}, "one on a page": {700, 700}, "between two pages": {999, 1003},
		"a page and more": {501, 2700}, "the last": {3100, 3100}, "all but the first": {2, 3100},
	} {
		for _, changed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, changed=%t", name, changed), func(t *testing.T) {
				inBubble(t, func(b *bubble) {
					b.receiver.AnswerWith(acknowledge)
					b.addManaged("shop", "guard=0")
					b.knows("x", 1, 3100)
					b.resync("shop", api.ResyncOrder{})
					b.told("shop")
					b.loses(gone[0], gone[1])
					want := uint64(gone[1] - gone[0] + 1)
					if found := b.dryResync("shop", api.ResyncOrder{Changed: changed}); found.Delete != want {
						b.Errorf("a dry run finds %+v, want %d that are gone", found, want)
					}
					if found := b.resync("shop", api.ResyncOrder{Changed: changed}); found.Delete != want || found.Seen != 3100 {
						b.Errorf("found %+v, want %d that are gone", found, want)
					}
					b.wait(time.Hour)
					told := b.told("shop")
					for id := gone[0]; id <= gone[1]; id++ {
						if one := fmt.Sprintf("delete %d", id); !slices.Contains(told, one) {
							b.Fatalf("not told: %s", one)
						}
					}
					if tracked := b.status().Endpoints[0].Tracked; tracked != 3100-want {
						b.Errorf("%d are tracked in the end", tracked)
					}
				})
			})
		}
	}
}

func TestANarrowResyncLeavesTheRestAlone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("old", 1, 9)
		b.resync("shop", api.ResyncOrder{})
		b.told("shop")
		b.wait(time.Hour)
		later := time.Now()
		b.knows("new", 3, 4)
		b.loses(8, 9)
		for _, c := range []struct {
			name  string
			order api.ResyncOrder
			found api.ResyncFound
			told  []string
		}{
			{
				"by ids",
				api.ResyncOrder{Assets: []event.ID{event.IntID(1), event.IntID(1), event.IntID(9)}},
				api.ResyncFound{Seen: 2, Update: 1, Delete: 1},
				[]string{"delete 9", "sync 1"},
			},
			{
				"by ids, what differs",
				api.ResyncOrder{Changed: true, Assets: []event.ID{event.IntID(1), event.IntID(3)}},
				api.ResyncFound{Seen: 2, Update: 1, Unchanged: 1},
				[]string{"sync 3"},
			},
			{
				"by a filter",
				api.ResyncOrder{Filter: `asset.title == "new"`},
				api.ResyncFound{Seen: 2, Update: 2},
				[]string{"sync 3", "sync 4"},
			},
			{
				"by time",
				api.ResyncOrder{Since: &later, Changed: true},
				api.ResyncFound{Seen: 2, Unchanged: 2},
				nil,
			},
			{
				"the rest is found by one that is not narrow",
				api.ResyncOrder{Changed: true},
				api.ResyncFound{Seen: 8, Unchanged: 7, Delete: 1},
				[]string{"delete 8"},
			},
		} {
			dry := b.dryResync("shop", c.order)
			found := b.resync("shop", c.order)
			if found != c.found || dry != found {
				b.Errorf("%s: found %+v, dry %+v, want %+v", c.name, found, dry, c.found)
			}
			if told := b.told("shop"); !slices.Equal(told, c.told) {
				b.Errorf("%s: told %v, want %v", c.name, told, c.told)
			}
		}
	})
}
