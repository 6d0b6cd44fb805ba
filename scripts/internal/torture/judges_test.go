package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/daemon"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// newTestRig returns a rig without a dz.
func newTestRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{ledger: ledger.New(), dir: t.TempDir()}
	r.spool = newSpool(filepath.Join(r.dir, "events"), r.ledger, chance(1, t.Name()))
	t.Cleanup(func() {
		if err := r.spool.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// wantFault has there be one fault of these words, or none without words.
func (r *rig) wantFault(t *testing.T, words string) {
	t.Helper()
	if got := strings.Join(r.faults, "; "); (got != "") != (words != "") || !strings.Contains(got, words) {
		t.Errorf("faults %q, want %q", got, words)
	}
}

// The ledger does not ask dz how much a kill may repeat.
func TestDzPromisesNoMoreRepeatsThanTheLedgerAllows(t *testing.T) {
	t.Parallel()
	if daemon.MaxUnsettled > ledger.Unsettled {
		t.Errorf("up to %d requests of an endpoint may be unsettled; %d are promised", daemon.MaxUnsettled, ledger.Unsettled)
	}
}

func TestRequestsThatAreNotSentBesideSickEndpointsAreMissed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late time.Duration
		want string
	}{
		"at once":    {},
		"late":       {late: allWithin / 2},
		"not at all": {late: 2 * allWithin, want: "not 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newTestRig(t)
				w := &stopwatch{written: make(map[uint64]time.Time), watched: 1}
				go func() {
					<-time.After(150*time.Millisecond + c.late)
					for number := range uint64(2) {
						w.arrived(ledger.Notification{Event: ledger.Event{Number: number + 1}}, "")
					}
				}()
				delays, err := w.measure(t.Context(), r, 150*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if c.want == "" && quantile(delays, 0.99) < c.late {
					t.Errorf("delays %v hide that the requests came %v late", delays, c.late)
				}
				r.wantFault(t, c.want)
				<-time.After(2 * allWithin) // for the last of them
			})
		})
	}
}

func TestAReceiverIsWatchedUntilTheTimeIsOverThatItAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at    time.Duration // another request
		about uint64        // from 1 to 8 is what came at once
		want  int
	}{
		"it was under way":             {at: time.Second, about: 8, want: 0},
		"one more than can be at once": {at: time.Second, about: 9, want: 1},
		"a retry":                      {at: 3 * time.Second, about: 1, want: 1},
		"a retry in time":              {at: leaveAlone - time.Millisecond, about: 1, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := &quiet{animal: &animal{name: "429"}}
				arrive := func(item uint64) {
					q.mu.Lock()
					defer q.mu.Unlock()
					q.arrivals = append(q.arrivals, quietArrival{time.Now(), ledger.Key{Type: asset, Item: item}})
				}
				for item := uint64(1); item <= min(c.about-1, defaultConcurrency) || item == 1; item++ {
					arrive(item)
				}
				go func() {
					<-time.After(c.at)
					arrive(c.about)
				}()
				if err := q.untilOver(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n := q.early(); n != c.want {
					t.Errorf("%d early requests, want %d", n, c.want)
				}
			})
		})
	}
}

func TestOnlyEndpointsThatAreOwedNothingAreSettled(t *testing.T) {
	t.Parallel()
	members := []*member{{name: "owed"}, {name: "failed"}, {name: "settled"}, {name: "unknown"}}
	s := api.Status{Endpoints: []api.EndpointStatus{{Name: "owed", Debts: 1}, {Name: "failed", Failures: 1}, {Name: "settled"}}}
	if settled, others := settledOf(s, members); len(settled) != 2 || settled[0].name != "failed" || settled[1].name != "settled" || len(others) != 2 {
		t.Errorf("settled: %+v; others: %+v", settled, others)
	}
}

// A receiver that breaks the connection has answered, in its way: dz tries again.
func TestAConnectionThatTheReceiverBreaksIsNotBrokenOffByDz(t *testing.T) {
	t.Parallel()
	l := ledger.New()
	in := &inbox{account: l.Open("e", ledger.Terms{Concurrency: 1, Timeout: time.Minute}), read: readNotification}
	for _, a := range []answer{closeAtOnce, closeWithin, status(http.StatusInternalServerError), takeAtOnce} {
		in.set(a)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/e/", strings.NewReader(`{"ChangeType":1,"Data":{"ItemId":7,"BaseId":1}}`))
		request.Header.Set("Webhook-Id", "msg_01KAJ5PZV0AAAR000000000001_1")
		func() {
			defer func() { _ = recover() }() // as a server does
			in.serve(httptest.NewRecorder(), request, (&receiver{}).pass)
		}()
	}
	if err := l.Write([]ledger.Event{{Key: ledger.Key{Type: asset, Item: 7}, Number: 1}}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if counts, faults := l.Reconcile(); counts.Repeated > 0 || counts.Requests != 4 || len(faults) > 0 {
		t.Errorf("counts %+v, faults %q", counts, faults)
	}
}

func TestASecretIsFoundWhereverItWasWritten(t *testing.T) {
	t.Parallel()
	r := newTestRig(t)
	r.secrets = []string{"the key to it"}
	store := filepath.Join(r.dir, "store")
	if err := os.WriteFile(store, []byte("sealed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.searchSecrets(); err != nil {
		t.Fatal(err)
	}
	r.wantFault(t, "")
	if err := os.WriteFile(store, []byte("header: the key to it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.searchSecrets(); err != nil {
		t.Fatal(err)
	}
	r.wantFault(t, "a secret is found in the file store")
}

func TestMemoryWithoutBoundsIsAFault(t *testing.T) {
	t.Parallel()
	r := &rig{peak: 100 << 20, mostMemory: mostMemory}
	r.judgeMemory()
	r.wantFault(t, "")
	r.peak, r.mapped = 300<<20, 100<<20
	r.judgeMemory()
	r.wantFault(t, "")
	r.mapped = 0
	r.judgeMemory()
	r.wantFault(t, "300 MiB of memory at most with a store of 0 MiB, more than 256")
}
