package ledger_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	asset     = 1
	metafield = 2
	timeout   = 10 * time.Second
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
	s.shop = s.Open("shop", ledger.Terms{Concurrency: 2, Timeout: timeout})
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

// refuse and abandon are requests that are not answered with success, or not at all
// before their sender goes.
func (s *story) refuse(item, number uint64, message string) {
	v := s.begin(item, number, message)
	v.Refuse()
	v.End()
}

func (s *story) abandon(item, number uint64, message string, after time.Duration) {
	v := s.begin(item, number, message)
	<-time.After(after)
	v.End()
}

// kill and stop end dz now, and cut off what is under way.
func (s *story) kill(underWay ...*ledger.Visit) { s.end(true, 0, underWay) }

func (s *story) stop(grace time.Duration, underWay ...*ledger.Visit) { s.end(false, grace, underWay) }

func (s *story) end(killed bool, grace time.Duration, underWay []*ledger.Visit) {
	end := ledger.End{Killed: killed, Open: len(underWay), At: time.Now()}
	<-time.After(grace)
	for _, v := range underWay {
		v.End()
	}
	s.Ended(end)
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

// A busy dz may see an answer only when it has given the request up. How long it may
// take to see one is not judged of a short timeout, and is of a long one.
func TestAnAnswerMayComeTooLate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		timeout, after time.Duration
		fault          bool
	}{
		{time.Second, time.Second, false},
		{time.Second, time.Second - 1, true},
		{timeout, timeout + 1, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := tell(t)
			s.shop = s.Open("hasty", ledger.Terms{Concurrency: 2, Timeout: c.timeout})
			s.write(7, 1)
			s.deliver(7, 1, first+"1")
			<-time.After(c.after)
			s.deliver(7, 1, first+"1")
			counts, _ := s.Reconcile()
			if found := counts.Repeated > 0; found != c.fault {
				t.Errorf("again %v after the request, which may take %v: a fault is %v, want %v", c.after, c.timeout, found, c.fault)
			}
		})
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
				s.stop(0)
				s.deliver(7, 1, first+"1")
			},
			func(c ledger.Counts) int { return c.Repeated }, "orderly stop",
		},
		"again, for dz had broken it off": {
			func(s *story) {
				s.write(7, 1)
				s.abandon(7, 1, first+"1", timeout/100)
				s.deliver(7, 1, first+"1")
			},
			func(c ledger.Counts) int { return c.Repeated }, "broken off after 100ms",
		},
		"again, for an orderly stop gave it no grace": {
			func(s *story) {
				s.write(7, 1)
				s.stop(time.Millisecond, s.begin(7, 1, first+"1"))
				s.deliver(7, 1, first+"1")
			},
			func(c ledger.Counts) int { return c.Repeated }, "was cut off 1ms after",
		},
		"again after a kill, and had been answered long before": {
			func(s *story) {
				s.write(7, 1)
				s.deliver(7, 1, first+"1")
				<-time.After(ledger.DurableWithin + time.Second)
				s.kill()
				s.deliver(7, 1, first+"1")
			},
			func(c ledger.Counts) int { return c.Repeated }, "within 2s that is to be durable",
		},
		"before the debounce was over": {
			func(s *story) {
				slow := s.Open("slow", ledger.Terms{Debounce: time.Second})
				s.write(7, 1)
				s.deliver(7, 1, first+"1")
				<-time.After(time.Second / 2)
				slow.Begin(ledger.Notification{Event: ledger.Event{Key: ledger.Key{Type: asset, Item: 7}, Number: 1}, Message: first + "1"}).End()
			},
			func(c ledger.Counts) int { return c.Early }, "came 500ms after the first",
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
			synctest.Test(t, func(t *testing.T) {
				s := tell(t)
				c.happens(s)
				counts, faults := s.Reconcile()
				if c.count(counts) != 1 || len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), c.says) {
					t.Errorf("counts %+v, faults %q, want one with %q", counts, faults, c.says)
				}
			})
		})
	}
}

func TestAKillMayRepeatWhatWasUnderWayAndWhatWasJustAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut, answered int
		says          string // "" is no fault
	}{
		"as many as were under way":      {cut: 2},
		"more than can be under way":     {cut: 3, says: "repeat 3 requests that were under way"},
		"as many as may be unsettled":    {answered: ledger.Unsettled},
		"more than may be unsettled":     {answered: ledger.Unsettled + 1, says: "and 513 that were answered"},
		"both":                           {cut: 2, answered: ledger.Unsettled},
		"few, but more under way at one": {cut: 3, answered: 1, says: "2 and 512 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tell(t)
				items := uint64(c.cut + c.answered)
				var underWay []*ledger.Visit
				for item := range items {
					s.write(item, item+1)
					if item < uint64(c.cut) {
						underWay = append(underWay, s.begin(item, item+1, first+"1"))
					} else {
						s.deliver(item, item+1, first+"1")
					}
				}
				s.kill(underWay...)
				for item := range items {
					s.deliver(item, item+1, first+"1")
				}
				counts, faults := s.Reconcile()
				want := ledger.Worst{Endpoint: "shop", End: 1, Repeated: int(items), Allowed: 2 + ledger.Unsettled}
				if counts.Repeated != int(items) || counts.UnderWay != c.cut || counts.Worst != want {
					t.Errorf("counts %+v", counts)
				}
				if says := strings.Join(faults, "; "); (says != "") != (c.says != "") || !strings.Contains(says, c.says) {
					t.Errorf("faults %q, want %q", says, c.says)
				}
			})
		})
	}
}

// A busy receiver sees a request only when its sender is dead already.
func TestWhatIsSeenRightAfterAKillWasSentBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tell(t)
		s.write(7, 1)
		s.kill()
		s.abandon(7, 1, first+"1", time.Millisecond)
		s.deliver(7, 1, first+"1")
		if counts, faults := s.Reconcile(); counts.Repeated != 1 || len(faults) > 0 {
			t.Errorf("counts %+v, faults %q", counts, faults)
		}
	})
}

func TestAnAnswerIsForgottenIfNothingCouldBecomeDurableSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tell(t)
		s.write(7, 1)
		s.deliver(7, 1, first+"1")
		s.Stuck()
		<-time.After(time.Minute)
		s.kill()
		s.deliver(7, 1, first+"1")
		if counts, faults := s.Reconcile(); counts.Repeated != 1 || len(faults) > 0 {
			t.Errorf("counts %+v, faults %q", counts, faults)
		}
	})
}

func TestAChangeAfterTheDebounceIsNotEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &story{t: t, Ledger: ledger.New()}
		s.shop = s.Open("shop", ledger.Terms{Concurrency: 2, Timeout: timeout, Debounce: time.Second})
		s.shop.Changed(asset)
		s.write(7, 1)
		<-time.After(time.Second)
		s.write(7, 2) // and the first must not wait any longer
		s.deliver(7, 2, first+"2")
		s.write(7, 3)
		<-time.After(time.Second)
		s.refuse(7, 3, second+"1")
		s.write(7, 4)
		s.deliver(7, 4, second+"2") // a retry that tells more
		if counts, faults := s.Reconcile(); counts.Early > 0 || len(faults) > 0 {
			t.Errorf("counts %+v, faults %q", counts, faults)
		}
	})
}

func TestWhatAnEndpointHadGotBeforeItWasRemovedIsCounted(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.write(7, 1)
	s.write(8, 2)
	s.deliver(7, 1, first+"1")
	s.shop.Close()
	if counts, faults := s.Reconcile(); counts.Owed != 1 || counts.Lost != 0 || len(faults) > 0 {
		t.Errorf("counts %+v, faults %q", counts, faults)
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
	s.kill()
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
	synctest.Test(t, func(t *testing.T) {
		s := tell(t)
		s.write(7, 1)
		s.abandon(7, 1, first+"1", timeout)
		s.refuse(7, 1, first+"1")
		s.kill()
		s.abandon(7, 1, first+"1", timeout)
		<-time.After(time.Second)
		s.kill()
		s.deliver(7, 1, first+"1")
		if counts, faults := s.Reconcile(); counts.Repeated != 0 || len(faults) > 0 {
			t.Errorf("counts %+v, faults %q", counts, faults)
		}
	})
}

func TestWhatAStopCutsOffAfterTheGraceIsNoRepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tell(t)
		s.write(7, 1)
		s.stop(ledger.Grace, s.begin(7, 1, first+"1"))
		s.deliver(7, 1, first+"1")
		if counts, faults := s.Reconcile(); counts.Repeated != 0 || len(faults) > 0 {
			t.Errorf("counts %+v, faults %q", counts, faults)
		}
	})
}

func TestWhatCanNotBeKnownCountsForDz(t *testing.T) {
	t.Parallel()
	s := tell(t)
	late := s.Open("late", ledger.Terms{Concurrency: 1, Timeout: timeout})
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

// Who is told the reasons is owed each; who is not is owed the object once.
func TestReasonsAreOwedWhereTheyAreTold(t *testing.T) {
	t.Parallel()
	s := tell(t)
	site := s.Open("site", ledger.Terms{Concurrency: 2, Timeout: timeout, Reasons: true})
	site.Changed(asset)
	change := func(reason uint8, number uint64) ledger.Event {
		return ledger.Event{Key: ledger.Key{Type: asset, Reason: reason, Item: 7}, Number: number}
	}
	events := []ledger.Event{change(1, 1), change(2, 2)}
	if err := s.Write(events, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	s.deliver(7, 2, first+"2")
	v := site.Begin(ledger.Notification{Event: events[1], Message: second + "1_0a"})
	v.Take()
	v.End()
	if !s.shop.Got(events) || site.Got(events) {
		t.Errorf("shop has got all: %t; site: %t; want the shop alone", s.shop.Got(events), site.Got(events))
	}
	counts, faults := s.Reconcile()
	if counts.Owed != 3 || counts.Lost != 1 || len(faults) != 1 || !strings.Contains(faults[0], "endpoint site: {1 1 7}: change 1 is owed and was lost") {
		t.Errorf("counts %+v, faults %q, want one reason lost", counts, faults)
	}
	site.Begin(ledger.Notification{Event: events[0], Message: second + "2"}).End()
	if _, faults := s.Reconcile(); !strings.Contains(strings.Join(faults, "\n"), "is not msg_<id>_<generation>_<digest>") {
		t.Errorf("faults %q, want one of the webhook-id of no ping", faults)
	}
}
