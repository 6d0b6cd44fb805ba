// Package storetest holds an engine to the contract of package store: sentences
// about what a caller sees, and a model that is compared with the engine step
// by step, through crashes.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// Engines under test keep recent events for some days: none younger than
// keptAtLeast may be gone, none older than keptAtMost kept.
const (
	keptAtLeast = 24 * time.Hour
	keptAtMost  = 30 * 24 * time.Hour
)

// Harness gives the suite stores of one engine.
type Harness interface {
	// Engine is the store as it is.
	Engine() store.Engine
	// Crash returns the store as a process finds it that starts after this one
	// was killed. The store before is not used again.
	Crash(tb TB)
	// Restore puts what Backup has written in the store's place, and opens that.
	Restore(tb TB, backup []byte)
	// Check fails the test if the store's records do not fit together.
	Check(tb TB)
}

// TB is what the suite needs of a test; *rapid.T has it too.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Run runs the suite. open makes an empty store; the harness removes it when tb
// ends.
func Run(t *testing.T, open func(tb testing.TB) Harness) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"endpoints are added, changed, listed and removed", endpointsLive},
		{"endpoints are added together or not at all", endpointsAreAddedTogether},
		{"an endpoint's id is never used again", idsAreNotReused},
		{"an ingested batch leaves debts and its position together", ingestIsOne},
		{"changes routed by other endpoints are refused whole", staleRoutes},
		{"a second change merges and raises the generation", changesMerge},
		{"what is due is claimed in the order in which it is due", claimInOrder},
		{"a debounce that is prolonged delays the claim", claimWaitsForQuiet},
		{"two debts of one object are not claimed together", claimOneAnObject},
		{"a debt under way stays so whatever object a change gives it", objectChangesUnderWay},
		{"a success ends the debt", successEnds},
		{"what is owed under one key can be looked up", oneDebt},
		{"a success of an older generation leaves the newer owed", newerStays},
		{"attempts settled together count in their order", settledTogether},
		{"a purged debt stays purged when its attempt ends", purgedWhileSent},
		{"what an endpoint may have taken is remembered", doubtsAreKept},
		{"a used up schedule makes a failure, and a newer change revives it", failureAndRevival},
		{"failures are selected, retried and purged", failuresSelected},
		{"lists go on from their cursor", failuresPaged},
		{"a retry is forced past everything else", retryIsForced},
		{"the health of an endpoint survives", healthSurvives},
		{"debts waiting for a retry are hastened", hastened},
		{"that retries are to be hastened is remembered", hastenIsRemembered},
		{"a clock that is set back holds up nothing", clockSetBack},
		{"a clock that was ahead during an attempt is noticed after a restart", clockSetBackAfterAnAttempt},
		{"recent events are listed both ways", recentEvents},
		{"rejected input is kept with its reason", rejectedKept},
		{"what a removed endpoint was owed is gone", removalTakesDebts},
		{"assets are kept with the batch that told of them", assetsKept},
		{"of an asset the latest is known, and that it was deleted", assetsMerge},
		{"imported assets yield to what is known to be later", assetsImported},
		{"assets are listed page by page", assetsPaged},
		{"what is acknowledged is tracked with the debt it settles", acknowledgedIsTracked},
		{"what is tracked between two cursors", trackedBetweenCursors},
		{"what is acknowledged is tracked though its debt was purged", purgedIsTracked},
		{"of what is acknowledged of one asset the last counts", lastAcknowledgedCounts},
		{"a change that is skipped is counted with its reason", skippedIsCounted},
		{"a deletion that is held waits for its release, or a newer change", heldIsReleased},
		{"a deletion is not held that a newer change has overtaken", heldTooLate},
		{"a deletion of what an endpoint may have taken is a loss", lossOfWhatMayBeThere},
		{"deletions from the future are of late for no longer than others", deletionsFromTheFuture},
		{"a reset forgets what is tracked and held", resetForgets},
		{"deletions are no losses after a reset", resetForgetsLosses},
		{"what waits in the background goes last", backgroundGoesLast},
		{"a claim passes over the background that one before has come to", backgroundIsPassedOver},
		{"what was to blame goes last", blamedGoesLast},
		{"a synchronisation moves on with what it owes", jobsMoveWithWhatTheyOwe},
		{"what is handed on is no debt, unless there is one", handedOnIsNoDebt},
		{"what was handed on, and is not told, is owed", handedOnIsOwed},
		{"large assets are kept whole, and listed few at a time", largeAssets},
		{"everything survives a crash", survivesCrash},
		{"a backup holds what there was at one moment, and goes on from there", backupGoesOn},
		{"a store from a backup does not know what endpoints acknowledged since", backupForgetsDigests},
		{"a backup that is taken slowly holds up nobody", slowBackup},
		{"calls from many goroutines all count", concurrentCalls},
		{"a closed store refuses", closedRefuses},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			f := &fixture{TB: t, h: h, now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
			c.test(f)
			h.Check(t)
		})
	}
	t.Run("a model agrees, through crashes", func(t *testing.T) { runModel(t, open) })
}

// fixture is a store and a clock in the hands of a sentence.
type fixture struct {
	TB
	h   Harness
	now time.Time
	seq int
}

func (f *fixture) engine() store.Engine { return f.h.Engine() }

// got is the result of a call that must not fail: must(call()).in(f).
type got[T any] struct {
	value T
	err   error
}

func must[T any](value T, err error) got[T] { return got[T]{value, err} }

func (g got[T]) in(f *fixture) T {
	f.Helper()
	if g.err != nil {
		f.Fatalf("unexpected error: %v", g.err)
	}
	return g.value
}

func (f *fixture) add(name string) endpoint.Endpoint {
	f.Helper()
	return must(f.engine().AddEndpoint(ctx, newEndpoint(name))).in(f).Endpoint
}

func newEndpoint(name string) endpoint.Endpoint {
	return endpoint.Endpoint{
		Name: name, Style: "notify", URL: "http://127.0.0.1:9/", Enabled: true,
		Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
	}
}

// window is the debounce that the suite uses.
var window = endpoint.Window{Interval: 5 * time.Second, MaxWait: 60 * time.Second}

// schedule allows two attempts.
var schedule = endpoint.DefaultSchedule()[:1]

// change is a change of item n for an endpoint.
func (f *fixture) change(ep endpoint.Endpoint, n int, fields ...string) debt.Change {
	f.seq++
	e := newEvent(f.seq, n, fields)
	return debt.Change{Endpoint: ep.ID, Key: keyOf(n), Event: &e, Window: window}
}

func newEvent(seq, n int, fields []string) event.Event {
	id := fmt.Sprintf("e%d", seq)
	return event.Event{
		ID: id, Source: "/dam", Type: "AssetMetadataUpdated", ChangeType: event.AssetChanged, Reason: "metadata",
		Object:        event.Object{Kind: event.Asset, ItemID: event.IntID(int64(n)), BaseID: event.IntID(int64(n))},
		ChangedFields: fields, Formats: []event.ID{}, Channels: []event.ID{},
		Raw: fmt.Appendf(nil, `{"id":%q}`, id),
	}
}

func keyOf(n int) debt.Key { return debt.Key(fmt.Sprintf("asset/%06d", n)) }

// ingest brings changes in, each with its event.
func (f *fixture) ingest(changes ...debt.Change) store.Ingested {
	f.Helper()
	in := store.Ingest{Source: "test", Now: f.now, Changes: changes}
	for _, c := range changes {
		in.Events = append(in.Events, *c.Event)
	}
	return f.ingestBatch(in)
}

func (f *fixture) ingestBatch(in store.Ingest) store.Ingested {
	f.Helper()
	in.Revision = must(f.engine().Endpoints(ctx)).in(f).Revision
	return must(f.engine().Ingest(ctx, in)).in(f)
}

// claim claims up to limit debts that are due.
func (f *fixture) claim(ep endpoint.Endpoint, limit int) []debt.Debt {
	f.Helper()
	return must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: limit, Background: limit})).in(f).Debts
}

// settle ends an attempt at d that took a second.
func (f *fixture) settle(d debt.Debt, v attempt.Verdict) store.SettledDebt {
	f.Helper()
	return f.settleAttempt(d, v).Debts[0]
}

func (f *fixture) settleAttempt(d debt.Debt, v attempt.Verdict) store.Settled {
	f.Helper()
	return must(f.engine().Settle(ctx, d.Endpoint, []store.Attempt{f.attempt(d, v)})).in(f)[0]
}

func (f *fixture) attempt(d debt.Debt, v attempt.Verdict) store.Attempt {
	s := f.settlement(d, v)
	return store.Attempt{Outcome: s.Outcome, Debts: []debt.Settlement{s}}
}

func (f *fixture) settlement(d debt.Debt, v attempt.Verdict) debt.Settlement {
	s := debt.SettlementOf(&d)
	s.Window, s.Schedule = window, schedule
	s.Outcome = outcome(v, f.now)
	return s
}

func outcome(v attempt.Verdict, now time.Time) attempt.Outcome {
	o := attempt.Outcome{Verdict: v, Reason: attempt.OK, Status: 200, Started: now, Duration: time.Second}
	switch v {
	case attempt.Unavailable:
		o.Reason, o.Status, o.Error, o.Response = attempt.ServerError, 500, "the receiver answered 500", []byte("oops")
	case attempt.Refused:
		o.Reason, o.Status, o.Error = attempt.ClientError, 422, "the receiver answered 422"
	case attempt.Gone:
		o.Reason, o.Status, o.Error = attempt.EndpointGone, 410, "the receiver answered 410"
	case attempt.Skipped:
		o.Reason, o.Status = attempt.Unchanged, 0
	case attempt.Held:
		o.Reason, o.Status, o.Error = attempt.TooManyDeletions, 0, "too many deletions"
	case attempt.Delivered, attempt.Aborted:
	}
	return o
}

func (f *fixture) advance(d time.Duration) { f.now = f.now.Add(d) }

// fail makes n a failure of the endpoint: its schedule is used up.
func (f *fixture) fail(ep endpoint.Endpoint, n int) debt.Debt {
	f.Helper()
	return f.failWith(ep, n, f.change(ep, n))
}

// failWith makes a change of n a failure.
func (f *fixture) failWith(ep endpoint.Endpoint, n int, c debt.Change) debt.Debt {
	f.Helper()
	f.ingest(c)
	var last debt.Debt
	for range len(schedule) + 1 {
		f.advance(time.Hour)
		for _, d := range f.claim(ep, 1000) {
			if d.Key == keyOf(n) {
				last = *f.settle(d, attempt.Refused).Debt
			}
		}
	}
	if !last.Failed {
		f.Fatalf("item %d is no failure after %d attempts: %+v", n, len(schedule)+1, last)
	}
	return last
}

func (f *fixture) failures(sel debt.Selection) []debt.Failure {
	f.Helper()
	list, _, err := f.engine().Failures(ctx, sel, "", 1000)
	if err != nil {
		f.Fatalf("list failures: %v", err)
	}
	return list
}

func (f *fixture) counts(ep endpoint.Endpoint) store.Counts {
	f.Helper()
	stats := must(f.engine().Stats(ctx)).in(f)
	return stats.Endpoints[ep.ID]
}

func (f *fixture) crash() {
	f.Helper()
	f.h.Crash(f)
}

func keysOf(debts []debt.Debt) []debt.Key {
	keys := []debt.Key{}
	for _, d := range debts {
		keys = append(keys, d.Key)
	}
	return keys
}
