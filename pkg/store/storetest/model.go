package storetest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// model is what a store should hold: a map of debts, kept by the pure functions
// of package debt. It does everything at once, in memory, and never crashes.
type model struct {
	*fixture
	t *rapid.T

	endpoints map[string]endpoint.Endpoint
	revision  uint64
	owed      map[debtName]*debt.Debt
	inherited map[*debt.Debt]bool // owed before a crash
	troubled  map[debt.ID]attempt.Verdict
	inFlight  []debt.Debt
	handed    []debt.Handed
	tracked   map[debtName]tracking.Asset // by the asset's JSON
	jobs      map[uint64]resync.Job
	released  map[uint64]time.Time // by endpoint: when deletions were
	ingested  uint64
	delivered uint64
	skipped   uint64
	events    []recent
	assets    map[event.ID]catalogue.Asset
	news      int // of assets
}

// recent is an event as it came in.
type recent struct {
	received time.Time
	line     string
}

type debtName struct {
	endpoint uint64
	key      debt.Key
}

// runModel lets rapid do things to a store and to a model of it, and compares
// them, with crashes in between.
func runModel(t *testing.T, open func(tb testing.TB) Harness) {
	t.Helper()
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t)
		m := &model{
			fixture: &fixture{TB: rt, h: h, now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)},
			t:       rt, endpoints: make(map[string]endpoint.Endpoint),
			assets: make(map[event.ID]catalogue.Asset), tracked: make(map[debtName]tracking.Asset), jobs: make(map[uint64]resync.Job),
			released: make(map[uint64]time.Time),
			owed:     make(map[debtName]*debt.Debt), inherited: make(map[*debt.Debt]bool), troubled: make(map[debt.ID]attempt.Verdict),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.compare,
			"add":      m.addEndpoint,
			"update":   m.updateEndpoint,
			"remove":   m.removeEndpoint,
			"reset":    m.resetHealth,
			"ingest":   m.ingestSome,
			"import":   m.importSome,
			"claim":    m.claimSome,
			"settle":   m.settleSome,
			"together": m.together,
			"retry":    m.retrySome,
			"purge":    m.purgeSome,
			"hasten":   m.hastenSome,
			"release":  m.releaseSome,
			"forget":   m.resetTracked,
			"owe":      m.oweSome,
			"hand":     m.settleHanded,
			"wait":     m.wait,
			"weeks":    m.waitForWeeks,
			"set back": m.setClockBack,
			"crash":    m.crashNow,
			"maintain": m.maintain,
		})
		m.drain()
		h.Check(rt)
	})
}

// compare compares what can be seen without changing anything.
func (m *model) compare(*rapid.T) {
	all := must(m.engine().Endpoints(ctx)).in(m.fixture)
	var mine []endpoint.Endpoint
	for _, name := range slices.Sorted(maps.Keys(m.endpoints)) {
		mine = append(mine, m.endpoints[name])
	}
	equal(m.fixture, "endpoints", all.List, mine)
	equal(m.fixture, "revision", all.Revision, m.revision)
	stats := must(m.engine().Stats(ctx)).in(m.fixture)
	equal(m.fixture, "ingested", stats.Ingested, m.ingested)
	equal(m.fixture, "delivered", stats.Total.Delivered, m.delivered)
	equal(m.fixture, "skipped", stats.Total.Skipped, m.skipped)
	for _, ep := range m.endpoints {
		var want store.Counts
		for name, d := range m.owed {
			switch {
			case name.endpoint != ep.ID:
			case d.Failed:
				want.Failed++
			case d.Held:
				want.Held++
			default:
				want.Open++
				if d.Background {
					want.Background++
				}
				if d.Retrying() {
					want.Retrying++
				}
			}
		}
		c := stats.Endpoints[ep.ID]
		equal(m.fixture, "open, retrying, in the background, held, failed, tracked of "+ep.Name,
			[]uint64{c.Open, c.Retrying, c.Background, c.Held, c.Failed, c.Tracked},
			[]uint64{want.Open, want.Retrying, want.Background, want.Held, want.Failed, uint64(len(m.trackedBy(ep)))})
		equal(m.fixture, "owed is what became of it", c.Owed, c.Coalesced+c.Delivered+c.Skipped+c.Open+c.Held+c.Failed+c.Dropped)
	}
}

// compareEvents compares the recent events: none is left out but the oldest,
// none younger than a day, and no older than a month is kept.
func (m *model) compareEvents() {
	list := must(m.engine().EventsSince(ctx, 0, time.Time{}, 1_000_000)).in(m.fixture)
	gone := len(m.events) - len(list)
	if gone < 0 {
		m.Fatalf("%d recent events of %d", len(list), len(m.events))
	}
	for i, want := range m.events {
		switch age := m.now.Sub(want.received); {
		case i < gone && age < keptAtLeast:
			m.Fatalf("event %s of %v ago is gone", want.line, age)
		case i < gone:
			continue
		case age > keptAtMost:
			m.Fatalf("event %s of %v ago is kept", want.line, age)
		}
		got := list[i-gone]
		equal(m.fixture, "line", string(got.Line), want.line)
		equal(m.fixture, "received", got.Received, want.received)
		equal(m.fixture, "number", got.Seq, uint64(i+1))
	}
}

// drain waits until everything is due, and compares all that is owed.
func (m *model) drain() {
	m.crash()
	m.compareAssets()
	m.compareTracked()
	m.advance(1000 * time.Hour)
	for _, ep := range m.endpoints {
		var want []debt.Key
		for name, d := range m.owed {
			if name.endpoint == ep.ID && !d.Failed && !d.Held {
				want = append(want, d.Key)
			}
		}
		got := keysOf(m.claim(ep, 1000))
		slices.SortFunc(got, func(a, b debt.Key) int { return strings.Compare(string(a), string(b)) })
		slices.SortFunc(want, func(a, b debt.Key) int { return strings.Compare(string(a), string(b)) })
		if !slices.Equal(got, want) {
			m.Fatalf("in the end %s is owed %q, want %q", ep.Name, got, want)
		}
		equal(m.fixture, "failures of "+ep.Name, len(m.failures(debt.Selection{Endpoints: []uint64{ep.ID}})),
			len(m.selectedFailed(ep.ID)))
	}
}

func (m *model) selectedFailed(id uint64) []*debt.Debt {
	return m.selected(debt.Selection{Endpoints: []uint64{id}})
}
