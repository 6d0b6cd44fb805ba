package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// shop is a managed integration: it keeps a set of assets of its own, gives each a
// state, another one each time, and holds dz to what a kill may cost.
//
// An answer that was on its way when dz was killed may be lost. So the state that
// comes with an asset is the one that was given last; or, if dz was killed since
// that was given, the one that came with the request before, which dz did have.
//
// Now and then it fails without that: it refuses a request, leaves an item out of its
// answer, or takes all and breaks off.
//
// dz does not know then of an asset that came for the first time. If it is deleted
// meanwhile, dz deletes it without a state; and once for each kill it may so delete
// one that the shop does not have.
type shop struct {
	mu     sync.Mutex
	random *rand.Rand
	assets map[uint64]*shelf
	kills  int // so far
	given  uint64
	spare  int         // deletions of what it did not have
	open   int         // requests
	ends   []time.Time // of dz, by kills
	again  []int       // actions that were repeated, by the kill
	counts ledger.Counts
	told   []string // faults
	calm   bool     // it fails no more
	moods  map[mood]int
}

// mood is how the shop takes a request.
type mood uint8

const (
	willing   mood = iota
	refusing       // it takes nothing, and answers with 500
	forgetful      // it takes all, and has no item for one asset
	breaking       // it takes all, and doesn't answer
)

// shelf is what the shop knows of an asset; also of one that is gone.
type shelf struct {
	there    bool
	version  uint64 // the highest that came
	last     string // the state given last; "" is none
	base     string // the state that came with the request that last was the answer to
	takenAt  time.Time
	kills    int  // how often dz had been killed when last was given
	underWay int  // requests
	spared   int  // how often dz had been killed when it was last deleted though it was not there
	lost     bool // dz was not told the last state
}

func newShop(r *rig) *shop {
	return &shop{random: chance(r.opts.seed, r.name, "shop"), assets: make(map[uint64]*shelf), moods: make(map[mood]int)}
}

// action is one of a request.
type action struct {
	Type  string `json:"type"`
	Asset *struct {
		Version uint64 `json:"version"`
	} `json:"asset"`
	State *string `json:"integrationState"`
	ID    uint64  `json:"assetId"`
}

// item is one of an answer.
type item struct {
	ID    uint64 `json:"AssetId"`
	State string `json:"IntegrationState"`
}

// serve takes a request: after up to 4 ms it does what it says, and answers. pass is
// called at its points.
func (s *shop) serve(w http.ResponseWriter, request *http.Request, pass passing) {
	var asked struct {
		Actions []action `json:"actions"`
	}
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
		return // the sender has gone in the middle of it
	}
	delay, mood := s.begin(asked.Actions)
	ended := sync.OnceFunc(func() { s.end(asked.Actions) })
	defer ended()
	pass(request.Context(), requestBegun)
	if process.Pause(request.Context(), delay) != nil {
		return
	}
	if mood == refusing {
		ended()
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	}
	answer := s.take(asked.Actions, mood)
	ended() // dz may send again before this has returned
	if mood == breaking {
		panic(http.ErrAbortHandler)
	}
	if err := json.NewEncoder(w).Encode(map[string][]item{"Items": answer}); err != nil {
		return // the sender has gone
	}
	pass(request.Context(), requestTaken)
}

// begin notes that a request has come, and says how long it is to take.
func (s *shop) begin(actions []action) (time.Duration, mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Requests++
	s.open++
	for _, a := range actions {
		on := s.shelf(a.ID)
		if on.underWay++; on.underWay > 1 {
			s.counts.Overlaps++
			s.fault("asset %d: two requests at a time", a.ID)
		}
	}
	m := willing
	if is := mood(s.random.IntN(60)); is <= breaking && !s.calm {
		m = is
	}
	s.moods[m]++
	return time.Duration(s.random.IntN(4000)) * time.Microsecond, m
}

// calmDown has the shop fail no more.
func (s *shop) calmDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
}

func (s *shop) end(actions []action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	for _, a := range actions {
		s.shelf(a.ID).underWay--
	}
}

// shelf returns the place of an asset. The caller holds the lock.
func (s *shop) shelf(id uint64) *shelf {
	on := s.assets[id]
	if on == nil {
		on = &shelf{}
		s.assets[id] = on
	}
	return on
}

// take does what the actions say.
func (s *shop) take(actions []action, in mood) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Delivered++
	items := make([]item, 0, len(actions))
	for i, a := range actions {
		on := s.shelf(a.ID)
		came := ""
		if a.State != nil {
			came = *a.State
		}
		s.compare(on, &a, came)
		on.base, on.kills, on.takenAt = came, s.kills, time.Now()
		if a.Type == "delete" {
			on.there, on.last = false, ""
		} else {
			s.given++
			on.there, on.last = true, fmt.Sprintf(`{"id":%d,"given":%d}`, a.ID, s.given)
		}
		if on.lost = in == breaking || in == forgetful && i == 0; !on.lost {
			items = append(items, item{a.ID, on.last})
		}
	}
	return items
}

// compare holds an action to what the shop knows.
func (s *shop) compare(on *shelf, a *action, came string) {
	switch {
	case came == on.last, came == on.base && on.lost:
	case came == on.base && on.kills < s.kills:
		s.counts.Repeated++
		s.again[on.kills]++
		s.counts.Oldest = max(s.counts.Oldest, s.ends[on.kills].Sub(on.takenAt))
	default:
		s.strange("asset %d comes with the state %q; given was %q after %q, and %d kills since", a.ID, came, on.last, on.base, s.kills-on.kills)
	}
	switch {
	case a.Type == "delete" && a.Asset == nil:
		if !on.there && came == "" {
			s.spareDeletion(on, a.ID)
		}
	case a.Type == "sync" && a.Asset != nil:
		if a.Asset.Version < on.version {
			s.counts.Stale++
			s.fault("asset %d: version %d came after %d", a.ID, a.Asset.Version, on.version)
		}
		on.version = max(on.version, a.Asset.Version)
	default:
		s.strange("asset %d: an action %q with an asset: %v", a.ID, a.Type, a.Asset != nil)
	}
}

// spareDeletion notes the deletion of what the shop does not have.
func (s *shop) spareDeletion(on *shelf, id uint64) {
	s.spare++
	if on.spared == s.kills && !on.lost {
		s.strange("asset %d is to be deleted, the shop does not have it, and dz was not killed since it heard so: %d kills", id, s.kills)
	}
	on.spared = s.kills
}

func (s *shop) strange(format string, args ...any) {
	s.counts.Strange++
	s.fault(format, args...)
}

func (s *shop) fault(format string, args ...any) {
	if len(s.told) < maxPrinted {
		s.told = append(s.told, fmt.Sprintf(format, args...))
	}
}

// killed notes that dz was killed, after it had certainly run at a time, and all of
// its requests have ended.
func (s *shop) killed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills++
	s.ends, s.again = append(s.ends, at), append(s.again, 0)
}

// underWay counts the requests that were begun on and not answered.
func (s *shop) underWay() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// reconcile compares what was repeated with what a kill may have repeated: actions
// of so many requests, and what was answered so long before it.
func (s *shop) reconcile(actions int, durableWithin time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kill, repeated := range s.again {
		s.counts.Worst = s.counts.Worst.Atop(ledger.Worst{Endpoint: shopName, End: kill + 1, Repeated: repeated, Allowed: actions})
		if repeated > actions {
			s.fault("kill %d made dz repeat %d actions, %d are allowed", kill+1, repeated, actions)
		}
	}
	if s.counts.Oldest > durableWithin {
		s.fault("an asset was repeated after a kill, and had been answered %v before it; within %v that is to be durable", s.counts.Oldest, durableWithin)
	}
}

// missing says in what the shop differs from what it is to have: versions by id.
func (s *shop) missing(wanted map[uint64]uint64) (missing []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, version := range wanted {
		if on := s.assets[id]; on == nil || !on.there || on.version != version {
			missing = append(missing, fmt.Sprintf("asset %d is to be there as version %d, and is %+v", id, version, on))
		}
	}
	for id, on := range s.assets {
		if _, ok := wanted[id]; !ok && on.there {
			missing = append(missing, fmt.Sprintf("asset %d was deleted, and is there: %+v", id, on))
		}
	}
	return missing
}

// states returns the states that were given last, of all assets that there are.
func (s *shop) states() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make(map[string]string)
	for id, on := range s.assets {
		if on.there {
			states[strconv.FormatUint(id, 10)] = on.last
		}
	}
	return states
}
