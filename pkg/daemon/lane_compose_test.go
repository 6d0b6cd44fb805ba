package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// asking is a style that can't compose: it asks for something until it is
// stopped, or fails by itself.
type asking struct {
	notify.Style
	fails bool
}

func (s asking) Compose(ctx context.Context, _ *endpoint.Endpoint, _ []debt.Debt, _ time.Time) (style.Message, error) {
	if s.fails {
		return style.Message{}, errors.New("no such form")
	}
	<-ctx.Done()
	return style.Message{}, ctx.Err()
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
		if a := compose(asking{fails: true}); len(a.results) != 1 || a.results[0].Outcome.Verdict != attempt.Refused {
			w.Errorf("a style that fails: results %+v", a.results)
		}
		if a := compose(asking{}); a.results != nil || a.outcome.Verdict != attempt.Aborted || len(a.debts) != 1 {
			w.Errorf("a style that is stopped: %+v", a)
		}
	})
}

// unread is a style that finds the catalogue closed.
type unread struct{ notify.Style }

func (unread) Compose(context.Context, *endpoint.Endpoint, []debt.Debt, time.Time) (style.Message, error) {
	return style.Message{}, fmt.Errorf("look at assets: %w", &catalogue.ReadError{Kind: catalogue.ErrRefused, Text: "many: HTTP 403 Forbidden"})
}

func TestACatalogueThatCantBeReadIsSeenInTheStatus(t *testing.T) {
	onWorkbench(t, 1, 0, func(*workbench) {}, func(w *workbench) {
		w.lane.set(newLaneSettings(endpoint.Endpoint{ID: 1, Name: "shop", Enabled: true}, unread{}, endpoint.DefaultWindow()))
		d := &Daemon{now: time.Now}
		status := func() api.EndpointStatus {
			s, _, err := d.laneStatus(w.Context(), w.lane, store.Stats{}, time.Now())
			if err != nil {
				w.Fatal(err)
			}
			return s
		}
		if s := status(); s.LastError != "" || s.NextAttempt != nil {
			w.Errorf("before: %+v", s)
		}
		if a := w.lane.attempt(w.Context(), []debt.Debt{{Generation: 1, Count: 1}}); a.results != nil {
			w.Errorf("it is held against what is owed: %+v", a.results)
		}
		s := status()
		if s.LastError != "the catalogue refuses: many: HTTP 403 Forbidden" || s.NextAttempt == nil || !s.NextAttempt.Equal(time.Now().Add(lastCatalogueWait)) {
			w.Errorf("while it refuses: %+v", s)
		}
		x := explanation{set: w.lane.settings.Load(), now: time.Now()}
		x.unread, _ = w.lane.obstacle()
		if state, text := x.waitsFor(&debt.Failure{}); state != api.ToldDue || !strings.HasSuffix(text, ", but the catalogue refuses: many: HTTP 403 Forbidden") {
			w.Errorf("it is explained as %s: %s", state, text)
		}
		w.lane.catalogueWorks(time.Now().Add(lastCatalogueWait))
		if s := status(); s.LastError != "" || s.NextAttempt != nil {
			w.Errorf("afterwards: %+v", s)
		}
	})
}
