package daemon

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// asking is a style that can't compose: it asks for something until it is
// stopped, or fails by itself.
type asking struct {
	notify.Style
	fails bool
}

func (s asking) Compose(ctx context.Context, _ *endpoint.Endpoint, _ []debt.Debt, _ time.Time) (attempt.Request, error) {
	if s.fails {
		return attempt.Request{}, errors.New("no such form")
	}
	<-ctx.Done()
	return attempt.Request{}, ctx.Err()
}

// A stop of dz while a style asks the catalogue must not be held against what is
// owed.
func TestAStopWhileComposingLeavesNoOutcome(t *testing.T) {
	onWorkbench(t, 1, 1, func(*workbench) {}, func(w *workbench) {
		compose := func(s asking) *attempted {
			w.lane.set(newLaneSettings(endpoint.Endpoint{ID: 1, Name: "shop"}, s, endpoint.DefaultWindow()))
			ctx, cancel := context.WithTimeout(w.Context(), time.Second)
			defer cancel()
			return w.lane.attempt(ctx, []debt.Debt{{Generation: 1, Count: 1}})
		}
		if a := compose(asking{fails: true}); len(a.outcomes) != 1 || a.outcomes[0].Verdict != attempt.Refused {
			w.Errorf("a style that fails: outcomes %+v", a.outcomes)
		}
		if a := compose(asking{}); a.outcomes != nil || a.outcome.Verdict != attempt.Aborted || len(a.debts) != 1 {
			w.Errorf("a style that is stopped: %+v", a)
		}
	})
}
