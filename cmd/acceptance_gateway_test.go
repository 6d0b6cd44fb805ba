package cmd_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/event"
)

// subject is what a ping is about.
type subject struct {
	item   string
	reason string
}

// digest stands for an asset's data, so that the test itself needs little memory.
type digest [sha256.Size]byte

// told is what a website keeps of a ping.
type told struct {
	created int64
	data    digest
}

// website takes pings, and is down when it is told to be. It keeps the last ping
// of each item and reason.
type website struct {
	mu      sync.Mutex
	down    bool
	refused int // since it is down
	taken   int // since it is up
	last    map[subject]told
	stale   []subject // told of an earlier change after a later one
}

func (w *website) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var p struct {
		Trigger struct {
			Event   string `json:"event"`
			Created int64  `json:"created"`
		} `json:"trigger"`
		Item struct {
			ID string `json:"ID"`
		} `json:"item"`
		Data json.RawMessage `json:"data"`
	}
	err = json.Unmarshal(body, &p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down || err != nil {
		w.refused++
		panic(http.ErrAbortHandler)
	}
	w.taken++
	key := subject{p.Item.ID, p.Trigger.Event}
	if p.Trigger.Created < w.last[key].created {
		w.stale = append(w.stale, key)
	}
	w.last[key] = told{p.Trigger.Created, sha256.Sum256(p.Data)}
}

// set switches the website on or off.
func (w *website) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down, w.refused, w.taken = down, 0, 0
}

// answered counts what it has refused, or taken, since it was switched.
func (w *website) answered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused + w.taken
}

// change is what the history says of an item and a reason.
type change struct {
	created int64
	// snapshots are those that a ping may hold: the last one before the change,
	// and, because a ping may be late, those of all that came after it.
	snapshots []digest
}

// chronicle notes what the history says, as far as it has been played.
type chronicle struct {
	*testing.T
	changes map[subject]*change
	latest  map[string]digest // snapshot of an item
}

func (c *chronicle) note(line []byte) {
	c.Helper()
	e, err := event.Decode(line)
	if err != nil {
		c.Fatal(err)
	}
	item := strings.Clone(e.Object.ItemID.String())
	if e.Asset != nil {
		var snapshot bytes.Buffer
		if err := json.Compact(&snapshot, e.Asset); err != nil {
			c.Fatal(err)
		}
		c.latest[item] = sha256.Sum256(snapshot.Bytes())
		for _, reason := range []string{"metadata", "delete"} {
			if known, ok := c.changes[subject{item, reason}]; ok {
				known.snapshots = append(known.snapshots, c.latest[item])
			}
		}
	}
	c.changes[subject{item, e.Reason}] = &change{created: e.Time.Unix(), snapshots: []digest{c.latest[item]}}
}

// TestTheHistoryOfAMuseumIsPinged plays ten thousand real events, as fast as it
// can, to a website that is down half of the time.
//
// It measures the memory of the whole process, so nothing runs beside it.
func TestTheHistoryOfAMuseumIsPinged(t *testing.T) {
	const (
		phases    = 8        // every other one with the website down
		maxMemory = 48 << 20 // bytes of heap beyond those before
	)
	if dztest.RaceDetected() {
		t.Skip("the race detector makes minutes of it, and takes memory of its own: run it without")
	}
	site := &website{last: make(map[subject]told)}
	server := httptest.NewServer(site)
	defer server.Close()
	in := install(t, "5s")
	history := bufio.NewScanner(in.history())
	history.Buffer(nil, event.MaxLineLength+1)
	said := &chronicle{t, make(map[subject]*change), make(map[string]digest)}
	before := heap()
	peak := before
	in.serving(func() {
		in.must("endpoint", "add", "site", "--style", "gateway", "--url", server.URL, "--change-types", "AssetChanged",
			"--retry", strings.TrimSuffix(strings.Repeat("100ms,", 40), ","))
		played := uint64(0)
		for phase := range phases {
			site.set(phase%2 == 1)
			played += uint64(in.play(history, said, historyEvents/phases+1))
			in.until("the events are taken in, and the website has answered", func() bool {
				return in.status().Events.Ingested == played && site.answered() > 0
			})
			peak = max(peak, heap())
		}
		site.set(false)
		in.until("everything is told", func() bool { return in.status().Idle })
		peak = max(peak, heap())
		s := in.status()
		if s.Events.Ingested != historyEvents || s.Events.Owed != historyEvents || s.Debts.Failed != 0 {
			t.Errorf("events %+v, debts %+v", s.Events, s.Debts)
		}
		if s.Attempts.Failed == 0 || s.Events.Coalesced == 0 {
			t.Errorf("the website was never missed: %+v, %+v", s.Attempts, s.Events)
		}
		t.Logf("%d pings and %d that failed, %d events coalesced, %d MiB of heap beyond %d MiB",
			s.Attempts.Delivered, s.Attempts.Failed, s.Events.Coalesced, (peak-before)>>20, before>>20)
	})
	if peak-before > maxMemory {
		t.Errorf("the heap grew by %d MiB, want at most %d MiB", (peak-before)>>20, maxMemory>>20)
	}
	site.check(t, said)
}

// heap returns the bytes of heap in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// play appends up to n events to the file that is tailed, and returns how many.
func (in *installation) play(history *bufio.Scanner, said *chronicle, n int) (played int) {
	in.Helper()
	var lines bytes.Buffer
	for played < n && history.Scan() {
		said.note(history.Bytes())
		lines.Write(history.Bytes())
		lines.WriteByte('\n')
		played++
	}
	if err := history.Err(); err != nil {
		in.Fatal(err)
	}
	spool, err := os.OpenFile(in.path("events.ndjson"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		in.Fatal(err)
	}
	if _, err := lines.WriteTo(spool); err != nil {
		in.Fatal(err)
	}
	if err := spool.Close(); err != nil {
		in.Fatal(err)
	}
	return played
}

// until waits for a condition.
func (in *installation) until(what string, done func() bool) {
	in.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(2 * time.Minute)
	for ; !done(); <-ticker.C {
		if time.Now().After(deadline) {
			in.Fatalf("%s: not within two minutes: %+v", what, in.status())
		}
	}
}

// check holds what the website was told last to what the history said last.
func (w *website) check(t *testing.T, said *chronicle) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.stale) > 0 {
		t.Errorf("%d pings of an earlier change followed one of a later, such as %+v", len(w.stale), w.stale[0])
	}
	items := make(map[string]bool)
	for key, change := range said.changes {
		items[key.item] = true
		got, ok := w.last[key]
		switch {
		case !ok:
			t.Errorf("%+v was never told", key)
		case got.created != change.created:
			t.Errorf("%+v was told last of the change at %d, want %d", key, got.created, change.created)
		case !slices.Contains(change.snapshots, got.data):
			t.Errorf("%+v was told with data that was not the latest", key)
		}
	}
	if len(items) != historyItems || len(w.last) != len(said.changes) {
		t.Errorf("the history is of %d items and %d reasons, and %d reasons were told", len(items), len(said.changes), len(w.last))
	}
}
