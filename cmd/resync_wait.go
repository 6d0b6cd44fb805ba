package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// It is asked how far a synchronisation is every resyncLook, and less often where
// the answer takes long, as it does with very many failures.
const (
	resyncLook  = 200 * time.Millisecond
	resyncShare = 10 // at most this part of the time goes by with asking
)

// waitForResync waits until all that a synchronisation has owed was tried, and says
// what came of it. What fails is retried by itself, for days if need be: that is not
// waited for. expected is how many assets are to be told, as far as they were counted
// before; 0 if they were not.
func waitForResync(ctx context.Context, s session, job api.Resync, expected uint64) (memberResult, error) {
	meter := s.app.newCounter()
	defer meter.finish()
	var sickness sickNotes
	for {
		begun := time.Now()
		state, sick, err := lookAtResync(ctx, s, job)
		if err != nil {
			return memberResult{}, goesOn(job, err)
		}
		if !state.Running() && state.Untried == 0 {
			meter.finish()
			return resyncEnded(state), nil
		}
		showResync(meter, state, expected, sick)
		if err := sickness.say(ctx, s, job.Endpoint, sick); err != nil {
			return memberResult{}, goesOn(job, err)
		}
		select {
		case <-ctx.Done():
			return memberResult{}, goesOn(job, context.Cause(ctx))
		case <-time.After(max(resyncLook, (resyncShare-1)*time.Since(begun))):
		}
	}
}

// joinResync waits for a synchronisation that has begun before.
func joinResync(ctx context.Context, s session, name string) (memberResult, error) {
	state, err := s.client.Resync(ctx, name)
	if err != nil {
		return memberResult{}, err
	}
	return waitForResync(ctx, s, state.Resync, 0)
}

// goesOn says, where waiting was interrupted, that what was waited for was not.
func goesOn(job api.Resync, err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	return &api.Error{
		Code:    api.CodeInternal,
		Message: fmt.Sprintf("interrupted; the synchronisation of %s goes on", job.Endpoint),
		Hint:    fmt.Sprintf("'dz resync %s --join' waits for it, and --stop stops it", job.Endpoint),
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
	if !sends(ep) {
		return state, false, &api.Error{
			Code:    api.CodeConflict,
			Message: fmt.Sprintf("endpoint %s is %s now, so nothing is sent to it; what is owed to it stays owed", ep.Name, ep.State),
			Hint:    fmt.Sprintf("'dz endpoint enable %s' sends what is owed", ep.Name),
		}
	}
	return state, ep.State == "sick", nil
}

// sickNotes says what holds up waiting where nobody sees the meter.
type sickNotes struct {
	sick bool // that was said
}

// say says on stderr when an endpoint turns out to be sick, which may last for days, and
// when it is no more.
func (n *sickNotes) say(ctx context.Context, s session, name string, sick bool) error {
	if sick == n.sick || s.app.env.ErrTerminal {
		return nil
	}
	n.sick = sick
	if !sick {
		s.app.note("%s answers again: going on", name)
		return nil
	}
	s.resume()
	defer s.pause()
	health, err := healthOf(ctx, s.client, name)
	if err != nil {
		return err
	}
	s.app.note("%s", render.WaitsForSick(name, health, s.app.env.Now()))
	return nil
}

func sends(ep api.Endpoint) bool { return ep.State != "disabled" && ep.State != "gone" }

// checkSends refuses to begin, for an endpoint that nothing is sent to, what is to be
// waited for.
func checkSends(ctx context.Context, s session, name string) error {
	ep, err := s.client.Endpoint(ctx, name, false)
	if err != nil || sends(ep) {
		return err
	}
	return &api.Error{
		Code:    api.CodeConflict,
		Message: fmt.Sprintf("endpoint %s is %s, so nothing is sent to it: there is nothing to wait for, and nothing was begun", ep.Name, ep.State),
		Hint:    fmt.Sprintf("'dz endpoint enable %s' first, or leave out --wait", ep.Name),
	}
}

// showResync shows how many of those to be told have been, and what holds it up. Of
// how many is not known while it still finds more, unless they were counted before.
func showResync(m *meter, state api.ResyncState, expected uint64, sick bool) {
	total := max(state.Found.Told(), state.Remaining)
	done := total - state.Remaining
	note := "assets"
	switch {
	case state.Phase == api.ResyncListing:
		note = "told, " + render.Count(state.Found.Seen, "asset") + " looked at"
	case state.Running():
		note = "told, looking for assets that are gone"
	}
	if state.Running() {
		total = expected
	}
	if state.Error != "" {
		note = state.Error
	}
	if failed := state.Failed + state.Retrying; failed > 0 {
		note += fmt.Sprintf(", %d failed", failed)
	}
	if sick {
		note += ", " + state.Endpoint + " is sick"
	}
	m.set(done, total, note)
}

// resyncEnded says what came of a synchronisation.
func resyncEnded(state api.ResyncState) memberResult {
	found := "found " + render.FoundAll(state.Found)
	if state.Failed == 0 && state.Retrying == 0 && state.Held == 0 {
		found = render.Synchronised(state.Found)
	}
	parts := []string{fmt.Sprintf("%s synchronised again: %s", state.Endpoint, found)}
	stopped := state.Phase == api.ResyncStopped
	switch {
	case stopped && state.Error != "":
		parts[0] = fmt.Sprintf("synchronisation of %s ended before it was done: %s", state.Endpoint, state.Error)
	case stopped:
		parts[0] = fmt.Sprintf("synchronisation of %s was stopped", state.Endpoint)
	}
	bad := stopped || state.Found.Missed() > 0
	if state.Failed > 0 {
		bad = true
		parts = append(parts, fmt.Sprintf("%d failed: dz failures list --endpoint %s", state.Failed, state.Endpoint))
	}
	if state.Retrying > 0 {
		bad = true
		parts = append(parts, render.Retrying(state.Endpoint, state.Retrying))
	}
	if state.Held > 0 && state.Found.Delete > 0 {
		bad = true
		parts = append(parts, render.Held(state.Endpoint, state.Held))
	}
	return memberResult{value: state, name: state.Endpoint, sentence: strings.Join(parts, "; "), bad: bad}
}
