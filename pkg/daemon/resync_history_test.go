package daemon

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// versions is an integration that has a version of each asset, and notes what can't be: one
// that goes back, that is altered, or that comes with the state of another. It answers as
// its mood is.
type versions struct {
	mu     sync.Mutex
	has    map[int]int
	faults []string
	rng    *rand.Rand
	mood   mood
}

type mood int

const (
	good    mood = iota
	short        // some items are left out
	fails        // 500
	hangsUp      // it hangs up, and has taken all
	broken       // the answer is no JSON
	fickle       // all of that
)

// padding makes each version of each asset other text, and requests so long that they go
// over net/http.
func padding(id, version int) string {
	return strings.Repeat(string(rune('a'+(id+version)%26)), 300)
}

func (v *versions) answer(r dztest.Request) dztest.Answer {
	v.mu.Lock()
	defer v.mu.Unlock()
	is := v.mood
	if is == fickle {
		is = mood(v.rng.IntN(int(fickle)))
	}
	var items []string
	for _, action := range readBatch(r.Body).Actions {
		v.take(action.AssetID, action.Type, action.Asset, action.State)
		if is == short && v.rng.IntN(10) == 0 {
			continue
		}
		items = append(items, fmt.Sprintf(`{"AssetId":%d,"IntegrationState":"state of %d"}`, action.AssetID, action.AssetID))
	}
	a := dztest.Answer{Body: `{"Items":[` + strings.Join(items, ",") + `]}`, Delay: time.Duration(v.rng.IntN(400)) * time.Millisecond}
	switch is {
	case fails:
		a.Status = http.StatusInternalServerError
	case hangsUp:
		a.HangUp = true
	case broken:
		a.Body = a.Body[:len(a.Body)-1]
	default:
	}
	return a
}

func (v *versions) take(id int, what string, asset json.RawMessage, state *string) {
	if state != nil && *state != fmt.Sprintf("state of %d", id) {
		v.fault("%d comes with the state %q", id, *state)
	}
	if what == "delete" {
		delete(v.has, id)
		return
	}
	var told struct{ Title, Pad string }
	err := json.Unmarshal(asset, &told)
	version, noNumber := strconv.Atoi(told.Title)
	switch {
	case err != nil || noNumber != nil || told.Pad != padding(id, version):
		v.fault("%d is altered: %.100s", id, asset)
	case version < v.has[id]:
		v.fault("%d goes back from %d to %d", id, v.has[id], version)
	}
	v.has[id] = version
}

func (v *versions) fault(format string, args ...any) {
	if len(v.faults) < 5 {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

func (v *versions) feels(m mood) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mood = m
}

// history is what happens to a catalogue, its integration and dz, in no order.
type history struct {
	*bubble
	rng     *rand.Rand
	size    int
	version int
	truth   map[int]int // the version of each asset that there is
}

// some returns ids, side by side or not, some of which there may not be yet.
func (h *history) some(most int) (ids []int) {
	from, count := 1+h.rng.IntN(h.size), 1+h.rng.IntN(most)
	for i := range count {
		id := from + i
		if count%2 == 0 {
			id = 1 + h.rng.IntN(h.size+200)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// becomes gives assets another version, or makes them go, without an event.
func (h *history) becomes(ids []int, gone bool) {
	h.version++
	var assets []catalogue.Asset
	for _, id := range ids {
		a := catalogue.Asset{ID: event.IntID(int64(id)), ItemID: event.IntID(int64(id)), Changed: time.Now(), Deleted: gone}
		if delete(h.truth, id); !gone {
			h.truth[id] = h.version
			a.Data = fmt.Appendf(nil, `{"assetId":%d,"title":"%d","pad":%q}`, id, h.version, padding(id, h.version))
		}
		assets = append(assets, a)
	}
	if older, err := h.daemon.store.ImportAssets(h.Context(), assets, time.Now()); err != nil || older > 0 {
		h.Fatal(older, err)
	}
	h.wait(time.Millisecond)
}

// step is one thing that happens.
func (h *history) step(v *versions) {
	switch h.rng.IntN(12) {
	case 0, 1:
		ids := h.some(60)
		h.becomes(ids, false)
		h.change(ids...)
	case 2:
		h.becomes(h.some(200), false)
	case 3:
		h.becomes(h.some(300), true)
	case 4, 5, 6:
		_, _ = h.service().StartResync(h.Context(), "shop", api.ResyncOrder{Changed: h.rng.IntN(4) == 0}) // one may be running
	case 7:
		_, _ = h.service().StopResync(h.Context(), "shop") // none may be
	case 8:
		h.asItIs()
	case 9:
		h.restart()
	default:
		v.feels(mood(h.rng.IntN(int(fickle) + 1)))
	}
	h.wait(time.Duration(h.rng.IntN(2500)) * time.Millisecond)
}

// Whatever happens, and in whatever order: no asset goes back, or is told as what it never
// was, and in the end the integration has what there is.
func TestChangesJobsKillsAndFaultsInAnyOrder(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				h := &history{bubble: b, rng: rand.New(rand.NewPCG(seed, 7)), truth: make(map[int]int)}
				v := &versions{has: make(map[int]int), rng: rand.New(rand.NewPCG(seed, 8))}
				h.size = 2000 + h.rng.IntN(4000)
				b.receiver.AnswerWith(v.answer)
				batch := []int{20, 50, 200}[h.rng.IntN(3)]
				b.add("shop", debounce(0), retry(time.Second, 5*time.Second, 30*time.Second, time.Minute, time.Hour, time.Hour, time.Hour), func(ep *endpoint.Endpoint) {
					ep.Style, ep.Subscription.ChangeTypes = "managed", 0
					ep.Options = options("guard=0", fmt.Sprintf("maxBatchSize=%d", batch))
				})
				h.becomes(items(h.size), false)
				b.begin("shop")
				b.wait(2 * time.Minute)
				for range 25 {
					h.step(v)
				}
				v.feels(good)
				b.wait(48 * time.Hour)
				b.begin("shop")
				b.wait(3 * time.Hour)
				h.ends(v)
			})
		})
	}
}

// ends compares what there is with what the integration and dz have.
func (h *history) ends(v *versions) {
	h.Helper()
	if state, err := h.service().GetResync(h.Context(), "shop"); err != nil || state.Phase != api.ResyncDone {
		h.Errorf("the last job: %+v, %v", state, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	wrong := 0
	for id, version := range h.truth {
		if v.has[id] != version {
			wrong++
		}
	}
	tracked := h.status().Endpoints[0].Tracked
	if wrong > 0 || len(v.has) != len(h.truth) || tracked != uint64(len(h.truth)) || len(v.faults) > 0 || !h.status().Idle {
		h.Errorf("of %d assets the integration has %d, %d of them wrong; %d are tracked; faults: %q; %+v",
			len(h.truth), len(v.has), wrong, tracked, v.faults, h.status().Debts)
	}
}
