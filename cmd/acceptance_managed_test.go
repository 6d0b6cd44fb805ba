package cmd_test

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/event"
)

// The accidents of the museum's exports: days on which many assets vanish that come
// back at the next.
func accidents() map[string]int {
	return map[string]int{"2021-09-22": 579, "2023-03-02": 2676, "2024-05-31": 269}
}

// day is what the history says of one export.
type day struct {
	date    string
	lines   []string
	created map[string]digest // also updated
	deleted map[string]bool
}

// days reads the history, an export after the other.
func (in *installation) days() []day {
	in.Helper()
	history := bufio.NewScanner(in.history())
	history.Buffer(nil, event.MaxLineLength+1)
	var days []day
	var latest time.Time
	for history.Scan() {
		e, err := event.Decode(history.Bytes())
		if err != nil {
			in.Fatal(err)
		}
		if !e.Time.Equal(latest) {
			latest = e.Time
			days = append(days, day{
				date: e.Time.Format(time.DateOnly), created: make(map[string]digest), deleted: make(map[string]bool),
			})
		}
		today := &days[len(days)-1]
		today.lines = append(today.lines, history.Text())
		id := strings.Clone(e.Object.BaseID.String())
		delete(today.created, id)
		delete(today.deleted, id)
		if e.Type == "AssetDeleted" {
			today.deleted[id] = true
		} else {
			today.created[id] = significant(e.Asset)
		}
	}
	if err := history.Err(); err != nil {
		in.Fatal(err)
	}
	return days
}

// expectation is what a shop has to have, and what has to be held, by the history
// and by what the guard promises.
type expectation struct {
	guarded bool
	there   map[string]digest // in the DAM
	told    map[string]bool   // to the shop
	held    map[string]bool
	deleted int // within the ten minutes that all of it is played in
}

// live adds a day.
func (x *expectation) live(d *day) {
	for id, data := range d.created {
		x.there[id], x.told[id] = data, true
		delete(x.held, id)
	}
	gone := make(map[string]bool)
	for id := range d.deleted {
		delete(x.there, id)
		if x.told[id] {
			gone[id] = true
		}
	}
	n := x.deleted + len(gone)
	hold := x.guarded && (len(x.held) > 0 || (n > 50 && n*100 > 20*(len(x.told)+x.deleted)))
	for id := range gone {
		if hold {
			x.held[id] = true
			continue
		}
		x.deleted++
		delete(x.told, id)
	}
}

// TestTheHistoryOfAMuseumIsSynchronised plays five years of a museum's exports to a
// managed integration, day by day, with their accidents.
func TestTheHistoryOfAMuseumIsSynchronised(t *testing.T) {
	t.Parallel()
	if dztest.RaceDetected() {
		t.Skip("the race detector makes minutes of it: run it without")
	}
	for name, c := range map[string]struct {
		guard   []string
		guarded bool
	}{
		"the guard as it is by default": {nil, true},
		"without a guard":               {[]string{"--guard", "0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shop{has: make(map[string]article)}
			server := httptest.NewServer(s)
			defer server.Close()
			in := install(t, "0s")
			x := &expectation{
				guarded: c.guarded, there: make(map[string]digest), told: make(map[string]bool), held: make(map[string]bool),
			}
			in.serving(func() {
				in.must(append([]string{
					"endpoint", "add", "shop", "--style", "managed", "--url", server.URL,
					"--additional-fields", strings.Join(fieldsOfShop(), ","),
				}, c.guard...)...)
				in.relive(s, x)
				in.release(s, x)
				in.comparesEqual(s, x)
			})
			s.check(t)
		})
	}
}

// relive plays the history, each day when the one before has been told.
func (in *installation) relive(s *shop, x *expectation) {
	in.Helper()
	var played uint64
	accidents := accidents()
	for _, d := range in.days() {
		lost, isAccident := accidents[d.date]
		// What a day's export deletes is judged as a whole, as a debounce of
		// seconds makes it.
		if isAccident {
			in.must("endpoint", "disable", "shop")
		}
		in.append(d.lines)
		played += uint64(len(d.lines))
		in.until("the day is taken in", func() bool { return in.status().Events.Ingested == played })
		if isAccident {
			in.must("endpoint", "enable", "shop")
		}
		in.until("the day is told", func() bool { return in.status().Idle })
		x.live(&d)
		in.agrees(d.date, s, x)
		if isAccident {
			delete(accidents, d.date)
			in.tells(lost, x)
		}
	}
	if played != historyEvents || len(accidents) > 0 {
		in.Errorf("%d events were played, without the accidents %v", played, accidents)
	}
}

// agrees holds what the shop has and what is held to what is expected.
func (in *installation) agrees(when string, s *shop, x *expectation) {
	in.Helper()
	has := s.holds()
	if len(has) != len(x.told) {
		in.Errorf("%s: the shop has %d assets, want %d", when, len(has), len(x.told))
	}
	for id := range x.told {
		if _, ok := has[id]; !ok {
			in.Errorf("%s: the shop has not asset %s", when, id)
		}
	}
	if status := in.status(); status.Debts.HeldDeletions != uint64(len(x.held)) || status.Debts.Failed != 0 {
		in.Errorf("%s: %d deletions are held, want %d; %d failures", when, status.Debts.HeldDeletions, len(x.held), status.Debts.Failed)
	}
	if in.Failed() {
		s.check(in.T)
		in.FailNow()
	}
}

// tells checks what is said of an accident.
func (in *installation) tells(lost int, x *expectation) {
	in.Helper()
	says := in.must("status")
	if held := strings.Contains(says, "dz endpoint release shop"); held != x.guarded {
		in.Errorf("status says that deletions are held: %v, want %v:\n%s", held, x.guarded, says)
	}
	if x.guarded && len(x.held) < lost {
		in.Errorf("of %d assets that vanished only %d are held", lost, len(x.held))
	}
}

// release sends what is held: the assets that are really gone.
func (in *installation) release(s *shop, x *expectation) {
	in.Helper()
	if status := in.status(); x.guarded && status.Events.Skipped < 2676+579+269-50 {
		in.Errorf("only %d changes were skipped, and more assets than that had just come back", status.Events.Skipped)
	}
	in.must("endpoint", "release", "shop", "--yes")
	in.until("what was held is told", func() bool { return in.status().Idle })
	for id := range x.held {
		delete(x.held, id)
		delete(x.told, id)
	}
	in.agrees("after the release", s, x)
	if len(x.told) != len(x.there) {
		in.Fatalf("the expectation does not add up: %d told, %d there", len(x.told), len(x.there))
	}
}

// comparesEqual compares the shop with what dz says, and has dz compare them.
func (in *installation) comparesEqual(s *shop, x *expectation) {
	in.Helper()
	has := s.holds()
	for id, data := range x.there {
		if has[id].data != data {
			in.Errorf("the shop has asset %s, and not as it is now", id)
		}
	}
	exported := 0
	for line := range strings.Lines(in.must("tracked", "export", "shop")) {
		exported++
		var a api.TrackedAsset
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			in.Fatal(err)
		}
		if known, ok := has[a.AssetID.String()]; !ok || a.State == nil || *a.State != known.state {
			in.Errorf("asset %s is tracked with another state than the shop gave, or the shop has it not (%v)", a.AssetID, ok)
		}
	}
	if exported != len(x.there) {
		in.Errorf("%d assets are tracked, and %d are there", exported, len(x.there))
	}
	requests := s.asked()
	in.must("resync", "shop", "--changed", "--wait")
	var found api.Resync
	if err := json.Unmarshal([]byte(in.must("resync", "shop", "--dry-run", "-o", "json")), &found); err != nil {
		in.Fatal(err)
	}
	if s.asked() != requests || found.Found.Update != uint64(len(x.there)) || found.Found.Told() != found.Found.Update {
		in.Errorf("%d requests of a resync of what has changed, which is nothing; a full one would tell %+v", s.asked()-requests, found.Found)
	}
}

// append appends lines to the file that is tailed.
func (in *installation) append(lines []string) {
	in.Helper()
	spool, err := os.OpenFile(in.path("events.ndjson"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		in.Fatal(err)
	}
	if _, err := spool.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		in.Fatal(err)
	}
	if err := spool.Close(); err != nil {
		in.Fatal(err)
	}
}
