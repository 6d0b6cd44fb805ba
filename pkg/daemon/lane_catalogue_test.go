package daemon

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// unreadable fails to compose by the catalogue's fault.
func unreadable(e catalogue.ReadError) func([]debt.Debt) ([]attempt.Outcome, error) {
	var n atomic.Int64
	return func([]debt.Debt) ([]attempt.Outcome, error) {
		told := e
		told.Text = fmt.Sprintf("%s (%d)", e.Text, n.Add(1))
		return nil, fmt.Errorf("look at assets: %w", &told)
	}
}

func TestWhatIsOwedWaitsForACatalogueThatCantBeRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault catalogue.ReadError
		most  int // messages within an hour, of eight slots
	}{
		{"not now", catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: "the DAM is down"}, 8 * (6 + 60)},
		{"not for a quarter of an hour", catalogue.ReadError{Kind: catalogue.ErrNotNow, After: 15 * time.Minute, Text: "busy"}, 8 * 4},
		{"refused", catalogue.ReadError{Kind: catalogue.ErrRefused, Text: "HTTP 403"}, 8 * 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBatches(t, 20, func(r *batchReceiver) {
				r.style.does(unreadable(c.fault))
				r.change(items(400)...)
				r.wait(time.Hour)
				r.wantComposed("within an hour", c.most)
				s := r.status()
				e := &s.Endpoints[0]
				if !strings.Contains(e.LastError, c.fault.Text) || e.NextAttempt == nil || !e.NextAttempt.After(time.Now()) {
					t.Errorf("the status says %q, next at %v", e.LastError, e.NextAttempt)
				}
				if counts := r.counts(); counts.Retrying != 0 || counts.Attempts != 0 || counts.Open != 400 || s.Idle || e.State != "healthy" {
					t.Errorf("%+v, %+v", counts, e)
				}
				if n := len(r.logged.Lines("can't read the catalogue")); n != 1 {
					t.Errorf("it is logged %d times, want once", n)
				}
				r.style.does(nil)
				r.wait(15 * time.Minute)
				r.wantTold("when it can be read", items(400)...)
				if e := r.status().Endpoints[0]; e.LastError != "" || e.NextAttempt != nil {
					t.Errorf("afterwards the status says %q, next at %v", e.LastError, e.NextAttempt)
				}
				if n := len(r.logged.Lines("the catalogue is read again")); n != 1 {
					t.Errorf("its recovery is logged %d times, want once", n)
				}
			}, slots(8))
		})
	}
}

func TestAnAssetThatCantBeReadSpendsARetryOfItsOwn(t *testing.T) {
	inBatches(t, 1, func(r *batchReceiver) {
		r.style.does(unreadable(catalogue.ReadError{Kind: catalogue.ErrUnreadable, Asset: event.IntID(1), Text: "no JSON"}))
		r.change(1, 2)
		r.wait(2 * time.Second)
		r.wantRetrying(2)
		r.style.does(nil)
		r.wait(10 * time.Second)
		r.wantTold("at the first retry", 1, 2)
	})
}

// The catalogue may fail in the middle of a division: that was a failure all the
// same.
func TestADivisionEndsWithACatalogueThatCantBeRead(t *testing.T) {
	inBatches(t, 200, func(r *batchReceiver) {
		r.poisons(150)
		r.slowly()
		r.change(items(200)...)
		r.wait(inTheMiddle)
		r.style.does(unreadable(catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: "the DAM is down"}))
		r.wait(time.Hour)
		before := r.count()
		if before != 4 {
			t.Errorf("%d requests, want the four before the catalogue failed", before)
		}
		r.style.does(nil)
		r.wait(5 * time.Minute)
		r.wantTold("in the end", without(items(200), 150)...)
	})
}
