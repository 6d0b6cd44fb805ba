package debt

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

var (
	noon   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	window = endpoint.Window{Interval: 5 * time.Second, MaxWait: time.Minute}
	// schedule makes three attempts.
	schedule = endpoint.Schedule{timespan.Span(10 * time.Second), timespan.Span(time.Hour)}
)

func at(d time.Duration) time.Time { return noon.Add(d) }

// edit is a change of some fields of asset 7.
func edit(id string, fields ...string) Change {
	return Change{
		Endpoint: 3, Key: "asset/7", Window: window, Note: []byte(id),
		Event: &event.Event{
			ID: id, Type: "AssetMetadataUpdated", ChangeType: event.AssetChanged, Reason: "metadata", Time: noon,
			Object:        event.Object{Kind: event.Asset, ItemID: event.IntID(7), BaseID: event.IntID(70)},
			ChangedFields: fields, Formats: []event.ID{}, Channels: []event.ID{},
		},
	}
}

func newDebt() Debt { return New(NewID(noon, 1, 1), edit("e1", "title"), noon) }

// sent is the settlement of an attempt at the debt as it is, begun then and a
// second long.
func sent(d *Debt, v attempt.Verdict, begun time.Time) Settlement {
	s := SettlementOf(d)
	s.Window, s.Schedule = window, schedule
	s.Outcome = attempt.Outcome{Verdict: v, Started: begun, Duration: time.Second}
	return s
}

func wantDue(t *testing.T, d Debt, want time.Duration) {
	t.Helper()
	if got := d.Due.Sub(noon); got != want {
		t.Errorf("due %s after noon, want %s", got, want)
	}
}

func TestAChangeIsDueWhenItsObjectHasBeenQuiet(t *testing.T) {
	t.Parallel()
	d := newDebt()
	wantDue(t, d, 5*time.Second)
	d.Merge(edit("e2", "title"), at(4*time.Second))
	wantDue(t, d, 9*time.Second)
}

func TestASteadilyChangingObjectIsDueAtTheCeiling(t *testing.T) {
	t.Parallel()
	d := newDebt()
	for s := 1; s < 60; s++ {
		d.Merge(edit("e", "title"), at(time.Duration(s)*time.Second))
	}
	wantDue(t, d, time.Minute)
}

func TestMergingKeepsTheLatestChangeAndTheSumOfAll(t *testing.T) {
	t.Parallel()
	d := newDebt()
	second := edit("e2", "keywords", "title")
	second.Event.Formats, second.Event.Channels = []event.ID{event.IntID(1)}, []event.ID{event.StringID("web")}
	second.Event.Object.BaseID = event.IntID(71)
	d.Merge(second, at(time.Second))
	want := Debt{
		ID: NewID(noon, 1, 1), Endpoint: 3, Key: "asset/7",
		Object: second.Event.Object, ChangeType: event.AssetChanged, EventType: "AssetMetadataUpdated", EventID: "e2",
		Reason: "metadata", ChangeTime: noon, Note: []byte("e2"),
		Generation: 2, Count: 2, FirstSeen: noon, LastSeen: at(time.Second),
		Fields: []string{"title", "keywords"}, Formats: []event.ID{event.IntID(1)}, Channels: []event.ID{event.StringID("web")},
		Since: noon, Due: at(6 * time.Second),
	}
	if diff := cmp.Diff(want, d, cmp.Comparer(func(a, b event.ID) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAChangeThatNamesNoFieldsMayConcernAny(t *testing.T) {
	t.Parallel()
	d := newDebt()
	d.Merge(edit("e2"), noon)
	d.Merge(edit("e3", "title"), noon)
	if d.Fields != nil {
		t.Errorf("fields are %q, want any", d.Fields)
	}
	if d.Formats == nil || d.Channels == nil {
		t.Error("formats and channels are any, though each event named none")
	}
}

func TestMoreFieldsThanADebtRemembersAreAny(t *testing.T) {
	t.Parallel()
	d := newDebt()
	for n := 1; n < maxFields; n++ {
		d.Merge(edit("e", "title", string(rune('A'+n))), noon)
	}
	if len(d.Fields) != maxFields {
		t.Fatalf("%d fields, want %d", len(d.Fields), maxFields)
	}
	d.Merge(edit("e", "one too many"), noon)
	if d.Fields != nil {
		t.Errorf("%d fields, want any", len(d.Fields))
	}
}

func TestAMergeLeavesTheEventItTookAlone(t *testing.T) {
	t.Parallel()
	first := edit("e1", "title")
	d := New(ID{}, first, noon)
	d.Merge(edit("e2", "keywords"), noon)
	if diff := cmp.Diff([]string{"title"}, first.Event.ChangedFields); diff != "" {
		t.Error(diff)
	}
}

func TestADeliveredGenerationEndsTheDebt(t *testing.T) {
	t.Parallel()
	d := newDebt()
	if !d.Settle(sent(&d, attempt.Delivered, at(6*time.Second))) {
		t.Errorf("still owed: %+v", d)
	}
}

func TestWhatChangedDuringADeliveryStaysOwed(t *testing.T) {
	t.Parallel()
	d := newDebt()
	d.Merge(edit("e2", "title"), at(time.Second))
	s := sent(&d, attempt.Delivered, at(6*time.Second))
	for n := range 3 {
		d.Merge(edit("e", "title"), at(6*time.Second+time.Duration(n+1)*100*time.Millisecond))
	}
	if d.Settle(s) {
		t.Fatal("nothing is owed any more")
	}
	if d.Count != 3 || d.Generation != 5 || d.Attempts != 0 || d.Tries != 0 {
		t.Errorf("count %d, generation %d, %d attempts, %d tries", d.Count, d.Generation, d.Attempts, d.Tries)
	}
	if !d.FirstSeen.Equal(at(6 * time.Second)) {
		t.Errorf("first seen %s", d.FirstSeen)
	}
	wantDue(t, d, 11300*time.Millisecond)
}

// A batch that took long to become durable was seen before the attempt began.
func TestWhatIsLearntLateLeavesTheReceiverAnInterval(t *testing.T) {
	t.Parallel()
	d := newDebt()
	s := sent(&d, attempt.Delivered, at(6*time.Second))
	d.Merge(edit("e2", "title"), at(5200*time.Millisecond))
	if d.Settle(s) {
		t.Fatal("nothing is owed any more")
	}
	wantDue(t, d, 11*time.Second)
}

func TestWhatChangedDuringALongDeliveryIsDueAtTheCeiling(t *testing.T) {
	t.Parallel()
	d := newDebt()
	s := sent(&d, attempt.Delivered, at(6*time.Second))
	s.Outcome.Duration = 100 * time.Second
	for n := 7; n < 106; n++ {
		d.Merge(edit("e", "title"), at(time.Duration(n)*time.Second))
	}
	d.Settle(s)
	wantDue(t, d, 66*time.Second)
}

func TestAFailedOlderGenerationDoesNotUseUpTheScheduleOfTheNewer(t *testing.T) {
	t.Parallel()
	for _, v := range []attempt.Verdict{attempt.Refused, attempt.Unavailable, attempt.Gone} {
		d := newDebt()
		s := sent(&d, v, at(6*time.Second))
		d.Merge(edit("e2", "title"), at(6500*time.Millisecond))
		if d.Settle(s) || d.Failed || d.Tries != 0 || d.Attempts != 1 || d.Count != 2 {
			t.Errorf("%s: failed %v, %d tries, %d attempts, count %d", v, d.Failed, d.Tries, d.Attempts, d.Count)
		}
		wantDue(t, d, 11500*time.Millisecond)
	}
}

func TestRefusalsFollowTheScheduleToAFailure(t *testing.T) {
	t.Parallel()
	d := newDebt()
	begun := at(6 * time.Second)
	for i, delay := range schedule {
		s := sent(&d, attempt.Refused, begun)
		s.Jitter = 0.5
		if d.Settle(s) || d.Failed || !d.Retrying() || d.Tries != i+1 || d.Attempts != i+1 {
			t.Fatalf("after attempt %d: %+v", i+1, d)
		}
		want := begun.Add(time.Second + delay.Std() + delay.Std()/20)
		if !d.Due.Equal(want) || !d.LastAttempt.Equal(begun.Add(time.Second)) {
			t.Fatalf("after attempt %d due %s, want %s", i+1, d.Due, want)
		}
		begun = d.Due
	}
	if d.Settle(sent(&d, attempt.Unavailable, begun)) || !d.Failed || d.Retrying() || d.Attempts != 3 {
		t.Errorf("after the last attempt: %+v", d)
	}
}

func TestAnEmptyScheduleMakesOneAttempt(t *testing.T) {
	t.Parallel()
	d := newDebt()
	s := sent(&d, attempt.Refused, at(6*time.Second))
	s.Schedule = nil
	if d.Settle(s); !d.Failed {
		t.Errorf("it is tried again: %+v", d)
	}
}

func TestRetryAfterPutsARetryOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		asked, want time.Duration
	}{
		{"later than the schedule", time.Hour, time.Hour},
		{"sooner than the schedule", 8 * time.Second, 17 * time.Second},
		{"not at all", 0, 17 * time.Second},
	} {
		d := newDebt()
		s := sent(&d, attempt.Unavailable, at(6*time.Second))
		if c.asked > 0 {
			s.Outcome.NotBefore = at(c.asked)
		}
		d.Settle(s)
		if got := d.Due.Sub(noon); got != c.want {
			t.Errorf("%s: due %s after noon, want %s", c.name, got, c.want)
		}
	}
}

func TestAGoneEndpointDoesNotUseUpTheSchedule(t *testing.T) {
	t.Parallel()
	d := newDebt()
	for n := range 100 {
		if d.Settle(sent(&d, attempt.Gone, at(6*time.Second))) || d.Failed || d.Tries != 0 || d.Attempts != n+1 {
			t.Fatalf("after %d attempts: %+v", n+1, d)
		}
	}
	wantDue(t, d, 7*time.Second)
}

func TestAnAbortedAttemptLeavesEverything(t *testing.T) {
	t.Parallel()
	d := newDebt()
	d.Settle(sent(&d, attempt.Refused, at(6*time.Second)))
	d.Force(at(7 * time.Second))
	before := d
	if d.Settle(sent(&d, attempt.Aborted, at(8*time.Second))) {
		t.Error("nothing is owed any more")
	}
	if diff := cmp.Diff(before, d, cmp.Comparer(func(a, b event.ID) bool { return a == b })); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

func failed(t *testing.T) Debt {
	t.Helper()
	d := newDebt()
	for range len(schedule) + 1 {
		d.Settle(sent(&d, attempt.Refused, d.Due))
	}
	if !d.Failed {
		t.Fatalf("no failure: %+v", d)
	}
	return d
}

func TestANewerChangeRevivesAFailureWithAScheduleOfItsOwn(t *testing.T) {
	t.Parallel()
	d := failed(t)
	d.Merge(edit("e2", "title"), at(24*time.Hour))
	if d.Failed || d.Tries != 0 || !d.Retrying() || d.Generation != 2 || d.Count != 2 {
		t.Errorf("%+v", d)
	}
	wantDue(t, d, 24*time.Hour+window.Interval)
	// Its debounce has a ceiling of its own.
	for n := range 100 {
		d.Merge(edit("e", "title"), at(24*time.Hour+time.Duration(n)*time.Second))
	}
	wantDue(t, d, 24*time.Hour+window.MaxWait)
}

func TestANewerChangeRestartsTheSchedule(t *testing.T) {
	t.Parallel()
	d := newDebt()
	for range 2 {
		d.Settle(sent(&d, attempt.Refused, d.Due))
	}
	d.Merge(edit("e2", "title"), d.Due.Add(-time.Minute))
	d.Settle(sent(&d, attempt.Refused, d.Due))
	if d.Failed || d.Tries != 1 || d.Attempts != 3 {
		t.Errorf("%+v", d)
	}
}

func TestAForcedDebtIsDueAtOnceAndStaysSo(t *testing.T) {
	t.Parallel()
	d := failed(t)
	d.Force(at(24 * time.Hour))
	d.Merge(edit("e2", "title"), at(24*time.Hour+time.Second))
	if !d.Forced || d.Failed || d.Tries != 0 {
		t.Errorf("%+v", d)
	}
	wantDue(t, d, 24*time.Hour)

	// One attempt is what was asked for; then the schedule begins anew.
	d.Settle(sent(&d, attempt.Refused, at(24*time.Hour+2*time.Second)))
	if d.Forced || d.Failed || d.Tries != 1 {
		t.Errorf("after the attempt: %+v", d)
	}
}

// Whatever an attempt under way comes to, who asks for a retry during it gets
// one, unless it delivers all that is owed.
func TestARetryAskedForDuringAnAttemptIsMade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		verdict attempt.Verdict
		forced  bool // the attempt under way was asked for, too
		change  bool // there is a newer change
		done    bool
	}{
		{"refused", attempt.Refused, false, false, false},
		{"unavailable", attempt.Unavailable, false, false, false},
		{"gone", attempt.Gone, false, false, false},
		{"refused, forced", attempt.Refused, true, false, false},
		{"refused, changed", attempt.Refused, false, true, false},
		{"gone, changed", attempt.Gone, false, true, false},
		{"delivered, changed", attempt.Delivered, false, true, false},
		{"delivered, changed, forced", attempt.Delivered, true, true, false},
		{"delivered", attempt.Delivered, false, false, true},
		{"aborted", attempt.Aborted, false, false, false},
	} {
		d := newDebt()
		for range len(schedule) {
			d.Settle(sent(&d, attempt.Refused, d.Due))
		}
		begun := at(24 * time.Hour)
		if c.forced {
			d.Force(begun)
		}
		s := sent(&d, c.verdict, begun)
		if c.change {
			d.Merge(edit("e2", "title"), begun.Add(100*time.Millisecond))
		}
		d.Force(begun.Add(500 * time.Millisecond))
		if done := d.Settle(s); done != c.done {
			t.Errorf("%s: done is %v", c.name, done)
		}
		if !c.done && (!d.Forced || d.Failed || d.Tries != 0 || d.Due.After(begun.Add(time.Second))) {
			t.Errorf("%s: forced %v, failed %v, due %s", c.name, d.Forced, d.Failed, d.Due)
		}
	}
}

func TestHasteningBringsARetryForward(t *testing.T) {
	t.Parallel()
	d := newDebt()
	if d.Hasten(at(time.Second)) {
		t.Error("a first debounce is cut short")
	}
	d.Settle(sent(&d, attempt.Unavailable, at(6*time.Second)))
	if !d.Hasten(at(8 * time.Second)) {
		t.Error("a retry is not brought forward")
	}
	wantDue(t, d, 8*time.Second)
	if d.Hasten(at(9 * time.Second)) {
		t.Error("what is due is hastened")
	}
	d.Merge(edit("e2", "title"), at(10*time.Second))
	if d.Hasten(at(11 * time.Second)) {
		t.Error("the debounce of a newer change is cut short")
	}
	wantDue(t, d, 15*time.Second)
	if f := failed(t); f.Hasten(noon) {
		t.Error("a failure is hastened")
	}
}

func TestAClockSetBackDelaysNothing(t *testing.T) {
	t.Parallel()
	d := newDebt()
	d.Merge(edit("e2", "title"), at(-24*time.Hour))
	wantDue(t, d, -24*time.Hour+window.Interval)
	if d.FirstSeen.After(d.LastSeen) {
		t.Errorf("first seen %s, last seen %s", d.FirstSeen, d.LastSeen)
	}
	s := sent(&d, attempt.Delivered, at(-48*time.Hour))
	d.Merge(edit("e3", "title"), at(-48*time.Hour+time.Millisecond))
	d.Settle(s)
	wantDue(t, d, -48*time.Hour+time.Millisecond+window.Interval)
}
