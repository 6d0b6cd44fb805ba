package ledger_test

import (
	"strings"
	"testing"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	asset     = 1
	metafield = 2
)

// story is a dz that is told as it goes.
type story struct {
	t *testing.T
	*ledger.Ledger
	shop *ledger.Account
}

// tell begins a story of one endpoint that wants assets, with two requests at a
// time.
func tell(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, Ledger: ledger.New()}
	s.shop = s.Open("shop", 2)
	s.shop.Changed(asset)
	return s
}

func (s *story) write(item, number uint64) {
	s.t.Helper()
	e := ledger.Event{Key: ledger.Key{Type: asset, Item: item}, Number: number}
	if err := s.Write([]ledger.Event{e}, func() error { return nil }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) begin(item, number uint64, message string) *ledger.Visit {
	return s.shop.Begin(ledger.Notification{
		Event: ledger.Event{Key: ledger.Key{Type: asset, Item: item}, Number: number}, Message: message,
	})
}

func (s *story) deliver(item, number uint64, message string) {
	v := s.begin(item, number, message)
	v.Take()
	v.End()
}

// Two debts, the second made later.
const (
	first  = "msg_01KAJ5PZV0AAAR000000000001_"
	second = "msg_01KAJ5PZV0AAAR000000000002_"
)

func TestWhatWentWellHasNoFaults(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.write(7, 2)
	s.deliver(7, 2, first+"2")
	s.write(7, 3)
	s.deliver(7, 3, second+"1")
	counts, faults := s.Reconcile()
	if len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
	if counts.Owed != 1 || counts.Delivered != 2 || counts.Events != 3 {
		t.Errorf("counts: %+v", counts)
	}
}

func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*story)
		count   func(ledger.Counts) int
		says    string
	}{
		"nothing came": {
			func(s *story) { s.write(7, 1) },
			func(c ledger.Counts) int { return c.Lost }, "lost",
		},
		"only an older change came": {
			func(s *story) { s.write(7, 1); s.deliver(7, 1, first+"1"); s.write(7, 2) },
			func(c ledger.Counts) int { return c.Lost }, "delivered was 1",
		},
		"it came, and was not answered": {
			func(s *story) { s.write(7, 1); s.begin(7, 1, first+"1").End() },
			func(c ledger.Counts) int { return c.Lost }, "lost",
		},
		"an older change after a newer one": {
			func(s *story) { s.write(7, 1); s.write(7, 2); s.deliver(7, 2, first+"2"); s.deliver(7, 1, first+"3") },
			func(c ledger.Counts) int { return c.Stale }, "change 1 after 2",
		},
		"an older generation of a newer change": {
			func(s *story) { s.write(7, 1); s.write(7, 2); s.deliver(7, 1, first+"2"); s.deliver(7, 2, first+"1") },
			func(c ledger.Counts) int { return c.Stale }, "generation",
		},
		"two at a time": {
			func(s *story) { s.write(7, 1); s.begin(7, 1, first+"1"); s.deliver(7, 1, first+"1") },
			func(c ledger.Counts) int { return c.Overlaps }, "two requests",
		},
		"a line was taken in twice": {
			func(s *story) { s.write(7, 1); s.deliver(7, 1, first+"1"); s.deliver(7, 1, second+"1") },
			func(c ledger.Counts) int { return c.Doubled }, "owed twice",
		},
		"again, with no end of dz between": {
			func(s *story) { s.write(7, 1); s.deliver(7, 1, first+"1"); s.deliver(7, 1, first+"1") },
			func(c ledger.Counts) int { return c.Repeated }, "no end",
		},
		"again after an orderly stop": {
			func(s *story) {
				s.write(7, 1)
				s.deliver(7, 1, first+"1")
				s.Ended(false, 0)
				s.deliver(7, 1, first+"1")
			},
			func(c ledger.Counts) int { return c.Repeated }, "orderly stop",
		},
		"a change that was never written": {
			func(s *story) { s.write(7, 1); s.deliver(7, 9, first+"1") },
			func(c ledger.Counts) int { return c.Strange }, "never written",
		},
		"no webhook-id": {
			func(s *story) { s.write(7, 1); s.deliver(7, 1, "7") },
			func(c ledger.Counts) int { return c.Strange }, "webhook-id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			c.happens(s)
			counts, faults := s.Reconcile()
			if c.count(counts) != 1 || len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), c.says) {
				t.Errorf("counts %+v, faults %q, want one with %q", counts, faults, c.says)
			}
		})
	}
}

func TestAKillMayRepeatAsManyAsWereUnderWay(t *testing.T) {
	t.Parallel()
	for items, faulty := range map[uint64]bool{2: false, 3: true} {
		s := tell(t)
		for item := range items {
			s.write(item, item+1)
			s.deliver(item, item+1, first+"1")
		}
		s.Ended(true, 1)
		for item := range items {
			s.deliver(item, item+1, first+"1")
		}
		counts, faults := s.Reconcile()
		if counts.Repeated != int(items) || counts.Allowed != 2 || counts.UnderWay != 1 || (len(faults) > 0) != faulty {
			t.Errorf("%d items: counts %+v, faults %q", items, counts, faults)
		}
	}
}

func TestWhatARestoredDzSendsAgainIsNoFault(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.deliver(7, 1, first+"1")
	s.write(7, 2)
	s.deliver(7, 2, second+"1")
	s.write(8, 3)
	s.Ended(true, 0)
	s.Restored() // from a backup of the time of change 1
	s.deliver(7, 1, first+"1000001")
	s.deliver(7, 2, second+"1000001")
	counts, faults := s.Reconcile()
	if counts.Lost != 1 || len(faults) != 1 || !strings.Contains(faults[0], "change 3 is owed") {
		t.Errorf("counts %+v, faults %q, want change 3 lost alone", counts, faults)
	}
	s.deliver(7, 1, first+"1000002")
	if counts, _ := s.Reconcile(); counts.Stale != 1 {
		t.Errorf("counts %+v: an older change after a newer one is stale, also after a restore", counts)
	}
}

func TestARetryIsNoRepeat(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.begin(7, 1, first+"1").End() // a timeout
	v := s.begin(7, 1, first+"1")
	v.Refuse()
	v.End()
	s.Ended(true, 0)
	s.deliver(7, 1, first+"1")
	if counts, faults := s.Reconcile(); counts.Repeated != 0 || len(faults) > 0 {
		t.Errorf("counts %+v, faults %q", counts, faults)
	}
}

func TestWhatAStopCutsOffIsNoRepeat(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.begin(7, 1, first+"1").End()
	s.Ended(false, 1)
	s.deliver(7, 1, first+"1")
	if counts, faults := s.Reconcile(); counts.Repeated != 0 || len(faults) > 0 {
		t.Errorf("counts %+v, faults %q", counts, faults)
	}
}

func TestWhatCanNotBeKnownCountsForDz(t *testing.T) {
	t.Parallel()
	s := tell(t)
	late := s.Open("late", 1)
	s.write(1, 1) // while late is being registered
	late.Changed(asset)
	s.deliver(1, 1, first+"1")

	s.write(2, 2) // read before shop is changed
	s.write(3, 3) // perhaps not
	s.Ingested(2)
	s.shop.Changing(metafield)
	s.shop.Changed(metafield)
	late.Close()

	counts, faults := s.Reconcile()
	if counts.Lost != 1 || len(faults) != 1 || !strings.Contains(faults[0], "change 2 is owed") {
		t.Errorf("counts %+v, faults %q, want change 2 lost alone", counts, faults)
	}
}
