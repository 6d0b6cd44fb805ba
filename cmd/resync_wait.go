package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// resyncLook is how often it is asked how far a synchronisation is.
const resyncLook = 200 * time.Millisecond

// waitForResync waits until all that a synchronisation has owed was sent, and says
// what came of it.
func waitForResync(ctx context.Context, s session, job api.Resync) error {
	meter := s.app.newCounter()
	defer meter.finish()
	look := time.NewTicker(resyncLook)
	defer look.Stop()
	for {
		state, sick, err := lookAtResync(ctx, s, job)
		if err != nil {
			return err
		}
		if !state.Running() && state.Remaining == 0 {
			meter.finish()
			return resyncEnded(s, state)
		}
		showResync(meter, state, sick)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}

// lookAtResync asks how far it is, and whether its endpoint is sick. The daemon has
// the usual time for its answers.
func lookAtResync(ctx context.Context, s session, job api.Resync) (state api.ResyncState, sick bool, err error) {
	s.resume()
	defer s.pause()
	state, err = s.client.Resync(ctx, job.Endpoint)
	if err != nil {
		return state, false, err
	}
	if state.Number != job.Number {
		return state, false, fmt.Errorf("another synchronisation of %s has begun", job.Endpoint)
	}
	ep, err := s.client.Endpoint(ctx, job.Endpoint, false)
	if err != nil {
		return state, false, err
	}
	if ep.State == "disabled" || ep.State == "gone" {
		return state, false, &api.Error{
			Code:    api.CodeConflict,
			Message: fmt.Sprintf("endpoint %s is %s, so nothing is sent to it: there is nothing to wait for", ep.Name, ep.State),
			Hint:    fmt.Sprintf("'dz endpoint enable %s' sends what is owed", ep.Name),
		}
	}
	return state, ep.State == "sick", nil
}

// showResync shows how many of those to be told have been, and what holds it up.
func showResync(m *meter, state api.ResyncState, sick bool) {
	total := max(state.Found.Told(), state.Remaining)
	note := "assets"
	if state.Running() {
		note = render.Count(state.Found.Seen, "asset") + " looked at"
	}
	if state.Error != "" {
		note = state.Error
	}
	if state.Failed > 0 {
		note += fmt.Sprintf(", %d failed", state.Failed)
	}
	if sick {
		note += ", " + state.Endpoint + " is sick"
	}
	m.set(total-state.Remaining, total, note)
}

// resyncEnded says what came of a synchronisation.
func resyncEnded(s session, state api.ResyncState) error {
	found := render.Found(state.Found)
	if state.Failed == 0 && state.Held == 0 {
		found = render.Synchronised(state.Found)
	}
	parts := []string{fmt.Sprintf("%s synchronised again: %s", state.Endpoint, found)}
	bad := state.Phase == api.ResyncStopped
	switch {
	case bad && state.Error != "":
		parts[0] = fmt.Sprintf("synchronisation of %s ended before it was done: %s", state.Endpoint, state.Error)
	case bad:
		parts[0] = fmt.Sprintf("synchronisation of %s was stopped", state.Endpoint)
	}
	if state.Failed > 0 {
		bad = true
		parts = append(parts, fmt.Sprintf("%d failed: dz failures list --endpoint %s", state.Failed, state.Endpoint))
	}
	if state.Held > 0 && state.Found.Delete > 0 {
		bad = true
		parts = append(parts, render.Held(state.Endpoint, state.Held))
	}
	if err := s.out.Result(state, state.Endpoint, strings.Join(parts, "; ")); err != nil {
		return err
	}
	if bad {
		return errSilent
	}
	return nil
}
