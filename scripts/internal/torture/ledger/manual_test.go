package ledger_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

func about(item uint64) []ledger.Key { return []ledger.Key{{Type: asset, Item: item}} }

// tellReplayed is tell with an endpoint to which changes may be replayed.
func tellReplayed(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, Ledger: ledger.New()}
	s.shop = s.Open("shop", ledger.Terms{Concurrency: 2, Timeout: timeout, Replayed: true})
	s.shop.Changed(asset)
	return s
}

func (s *story) replay(confirmed bool, during func()) {
	r := s.shop.Replaying(time.Now().Add(-time.Second))
	during()
	r.End(confirmed)
}

func TestWhatWasPurgedNeedNotArriveAndWhatCameLaterMust(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.write(8, 2)
	s.Ingested(2)
	s.refuse(7, 1, first+"1")
	s.write(7, 3) // perhaps before the purge
	s.write(7, 4) // certainly after it
	s.shop.Purged(about(7), 3)
	counts, faults := s.Reconcile()
	if counts.Owed != 2 || counts.Lost != 2 || !strings.Contains(strings.Join(faults, "; "), "change 4 is owed") {
		t.Errorf("counts %+v, faults %q, want changes 2 and 4 lost", counts, faults)
	}
	s.shop.Purged(about(7), 4)
	s.deliver(8, 2, second+"1")
	if counts, faults := s.Reconcile(); counts.Lost != 0 || len(faults) > 0 {
		t.Errorf("counts %+v, faults %q", counts, faults)
	}
}

func TestARetryThatIsNotSentIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after func(*story)
		want          int
	}{
		"not sent":                     {want: 1},
		"sent":                         {after: func(s *story) { s.refuse(7, 1, first+"1") }},
		"sent before it was confirmed": {before: func(s *story) { s.refuse(7, 1, first+"1") }},
		"purged":                       {after: func(s *story) { s.shop.Purged(about(7), 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tell(t)
				s.write(7, 1)
				s.refuse(7, 1, first+"1")
				<-time.After(time.Second)
				begun := time.Now()
				if c.before != nil {
					c.before(s)
				}
				s.shop.Retried(about(7), begun)
				if c.after != nil {
					c.after(s)
				}
				if got := len(s.shop.NotRetried()); got != c.want {
					t.Errorf("%d were not retried, want %d", got, c.want)
				}
			})
		})
	}
}

func TestWhatAReplayTellsAgainIsNoFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tellReplayed(t)
		s.write(7, 1)
		s.deliver(7, 1, first+"1")
		s.write(7, 2)
		s.deliver(7, 2, first+"2")
		s.Ingested(2)
		s.replay(true, func() { s.deliver(7, 1, second+"1") })
		s.kill()
		s.deliver(7, 1, second+"1") // the kill made dz forget the answer
		s.deliver(7, 2, second+"2") // newer than what was told last
		counts, faults := s.Reconcile()
		if counts.Repeated != 1 || len(faults) > 0 || s.shop.ToldAgain() != 1 {
			t.Errorf("counts %+v, %d told again, faults %q", counts, s.shop.ToldAgain(), faults)
		}
	})
}

func TestFaultsOfReplaysAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*story)
		says    string // "" is no fault
	}{
		"not told again": {func(s *story) { s.replay(true, func() {}) }, "was replayed and not told again"},
		"told, and not taken": {
			func(s *story) { s.replay(true, func() { s.refuse(7, 2, second+"1") }) }, "was replayed and not told again",
		},
		"cut off, and not told again": {func(s *story) { s.replay(false, func() {}) }, ""},
		"cut off, and told again":     {func(s *story) { s.replay(false, func() { s.deliver(7, 2, second+"1") }) }, ""},
		"an older message": {
			func(s *story) { s.replay(false, func() { s.deliver(7, 1, first+"1") }) }, "change 1 after 2",
		},
		"without a replay": {func(s *story) { s.deliver(7, 1, second+"1") }, "change 1 after 2"},
		"long after the replay": {
			func(s *story) {
				s.replay(true, func() { s.deliver(7, 2, second+"1") })
				<-time.After(time.Minute)
				s.deliver(7, 2, second+"2")
			}, "",
		},
		"twice long after the replay": {
			func(s *story) {
				s.replay(true, func() {})
				<-time.After(time.Minute)
				s.deliver(7, 2, second+"1")
				s.deliver(7, 2, second+"2")
			}, "owed twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tellReplayed(t)
				s.write(7, 1)
				s.write(7, 2)
				s.deliver(7, 2, first+"2")
				s.Ingested(2)
				<-time.After(time.Second / 2)
				c.happens(s)
				_, faults := s.Reconcile()
				if says := strings.Join(faults, "; "); (says != "") != (c.says != "") || !strings.Contains(says, c.says) {
					t.Errorf("faults %q, want %q", says, c.says)
				}
			})
		})
	}
}

func TestAnEmittedEventIsOwedOnceItIsKnownToBeIn(t *testing.T) {
	t.Parallel()
	s := tell(t)
	event := func(number uint64) ledger.Event {
		return ledger.Event{Key: ledger.Key{Type: asset, Item: 100 + number}, Number: number}
	}
	s.write(7, 1)
	s.Emit(event(2)).End(true)
	s.Emit(event(3)).End(false) // a kill came before it
	under := s.Emit(event(4))
	if got := s.Written(); got != 3 {
		t.Errorf("%d events may be in the store, want 3: of the file, emitted, under way", got)
	}
	s.Ingested(2) // perhaps those that were emitted
	s.shop.Changing(0)
	under.End(true) // perhaps after the change
	counts, faults := s.Reconcile()
	if counts.Events != 3 || counts.Lost != 1 || len(faults) != 1 || !strings.Contains(faults[0], "change 2 is owed") {
		t.Errorf("counts %+v, faults %q, want change 2 lost alone", counts, faults)
	}
}
