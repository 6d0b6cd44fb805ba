package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestAResyncBySchedule(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", `resyncEvery="1h"`)
		b.addManaged("never")
		b.knows("x", 1, 10)
		b.wait(50 * time.Minute)
		if told := b.told("shop"); len(told) != 0 {
			b.Errorf("before its time: %v", told)
		}
		b.wait(11 * time.Minute)
		if told := b.told("shop"); len(told) != 10 {
			b.Errorf("an hour after it was added: %v", told)
		}
		b.loses(3, 3)
		b.wait(time.Hour)
		if told := b.told("shop"); !slices.Equal(told, []string{"delete 3"}) {
			b.Errorf("after another hour: %v", told)
		}
		drifts := b.logged.Lines("the endpoint had drifted from the catalogue")
		if len(drifts) != 2 || !strings.Contains(drifts[1], "create=0 update=0 delete=1 unchanged=9") {
			b.Errorf("logged: %v", drifts)
		}
		b.wait(time.Hour)
		ep, err := b.service().GetEndpoint(b.Context(), "shop")
		if err != nil || ep.LastResync == nil || !ep.LastResync.Scheduled || ep.LastResync.Number != 3 ||
			ep.LastResync.Found != (api.ResyncFound{Seen: 9, Unchanged: 9}) {
			b.Errorf("the last one: %+v, %v", ep.LastResync, err)
		}
		if len(b.logged.Lines("drifted")) != 2 || len(b.received("/never")) != 0 {
			b.Error("drift was reported where there was none, or to whom never asked")
		}
	})
}

func TestAResyncByScheduleOutlivesAClockThatWasAhead(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.knows("x", 1, 10)
		b.ahead.Store(int64(365 * 24 * time.Hour))
		b.addManaged("shop", `resyncEvery="1h"`)
		b.wait(61 * time.Minute)
		if told := b.told("shop"); len(told) != 10 {
			b.Errorf("while the clock is ahead: told %v", told)
		}
		b.loses(3, 3)
		b.ahead.Store(0)
		b.wait(time.Minute)
		if told := b.told("shop"); !slices.Equal(told, []string{"delete 3"}) {
			b.Errorf("after the clock was set right: told %v", told)
		}
		b.loses(4, 4)
		b.wait(50 * time.Minute)
		if told := b.told("shop"); len(told) != 0 {
			b.Errorf("within the hour after that: told %v", told)
		}
		b.wait(11 * time.Minute)
		if told := b.told("shop"); !slices.Equal(told, []string{"delete 4"}) {
			b.Errorf("an hour after that: told %v", told)
		}
	})
}

func TestANarrowResyncPutsOffNoneByTheClock(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", `resyncEvery="1h"`)
		b.knows("x", 1, 10)
		for _, c := range []struct {
			name  string
			found int // by the one after an hour
		}{
			{"after none", 9},
			{"after one by the clock", 0},
		} {
			for range 3 {
				b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(1)}})
				b.wait(18 * time.Minute)
			}
			b.told("shop")
			b.wait(5 * time.Minute)
			if told := b.told("shop"); len(told) != c.found {
				t.Errorf("%s, within the hour: told %v, want %d", c.name, told, c.found)
			}
			ep, err := b.service().GetEndpoint(b.Context(), "shop")
			if err != nil || ep.LastResync == nil || !ep.LastResync.Scheduled {
				t.Errorf("%s, the last one: %+v, %v", c.name, ep.LastResync, err)
			}
		}
	})
}
