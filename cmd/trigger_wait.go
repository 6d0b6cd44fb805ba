package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/timespan"
)

const (
	// triggerLook is how often what became of an event is looked at.
	triggerLook = 100 * time.Millisecond
	// triggerLimit is how long what becomes of it is waited for by default.
	triggerLimit = timespan.Span(2 * time.Minute)
)

// triggered is what became of an event.
type triggered struct {
	emitted
	Endpoints []triggeredAt `json:"endpoints"`
}

// triggeredAt is what became of an event at an endpoint that wants it.
type triggeredAt struct {
	Endpoint string `json:"endpoint"`
	Verdict  string `json:"verdict"`
	Text     string `json:"text"`
}

// triggerWait is a wait for what becomes of an event.
type triggerWait struct {
	s       session
	result  triggered
	decided map[string]bool // endpoints that result holds, or that don't want it
	told    bool            // all of those in result
}

// waitForTriggered waits until every endpoint that wants an event has been told of
// it, or has failed it, or is one that nothing is sent to now, and prints a line
// for each when it is so. That one was not told is an error, and so is one that is
// still waited for when the limit is over: it is printed with what it waits for.
func (a *app) waitForTriggered(ctx context.Context, s session, result triggered, limit timespan.Span) error {
	s.pause() // it takes as long as the debounce and the receivers take
	if s.out.Format == render.Table {
		a.note("event %s accepted", result.ID)
	}
	w := triggerWait{s: s, result: result, decided: make(map[string]bool), told: true}
	waiting, err := w.wait(ctx, limit)
	if err != nil {
		return err
	}
	for i := range waiting {
		if err := w.decide(&waiting[i]); err != nil {
			return err
		}
	}
	if len(w.result.Endpoints) == 0 {
		a.note("no endpoint wants it: 'dz explain %s' says why", result.ID)
	}
	if s.out.Format != render.Table {
		if err := s.out.Result(w.result, result.ID, ""); err != nil {
			return err
		}
	}
	if len(waiting) > 0 {
		a.note("still waiting for %s after %s", strings.Join(names(waiting), ", "), limit)
	}
	if !w.told {
		return errSilent
	}
	return nil
}

// wait looks until nothing is waited for any more, or for as long as limit, and
// returns what still is.
func (w *triggerWait) wait(ctx context.Context, limit timespan.Span) ([]api.EndpointExplanation, error) {
	over := time.NewTimer(limit.Std())
	defer over.Stop()
	look := time.NewTicker(triggerLook)
	defer look.Stop()
	for {
		waiting, err := w.look(ctx)
		if err != nil || len(waiting) == 0 {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-over.C:
			return waiting, nil
		case <-look.C:
		}
	}
}

// look takes in what has been decided since the last look, and returns what has
// not. The daemon has the usual time for its answers.
func (w *triggerWait) look(ctx context.Context) (waiting []api.EndpointExplanation, err error) {
	w.s.resume()
	defer w.s.pause()
	explanation, err := w.s.client.Explain(ctx, w.result.ID, "")
	if err != nil {
		return nil, err
	}
	for i := range explanation.Endpoints {
		e := &explanation.Endpoints[i]
		if w.decided[e.Endpoint] {
			continue
		}
		wants, done := triggerEnded(explanation.Event, e)
		if wants && !done && e.State == string(endpoint.Sick) && e.Verdict != api.ToldWaiting {
			if done, err = w.leftAlone(ctx, e.Endpoint); err != nil {
				return nil, err
			}
		}
		switch {
		case !wants:
			w.decided[e.Endpoint] = true
		case !done:
			waiting = append(waiting, *e)
		default:
			if err := w.decide(e); err != nil {
				return nil, err
			}
		}
	}
	return waiting, nil
}

// leftAlone reports whether a sick endpoint is sent nothing now: its next probe is
// yet to come, and may be of something else. One that may be probed now is about
// to be, and what becomes of that is soon known.
func (w *triggerWait) leftAlone(ctx context.Context, name string) (bool, error) {
	status, err := w.s.client.Status(ctx)
	if err != nil {
		return false, err
	}
	for i := range status.Endpoints {
		if ep := &status.Endpoints[i]; ep.Name == name {
			return ep.NextAttempt != nil && ep.NextAttempt.After(w.s.app.env.Now()), nil
		}
	}
	return false, nil // it was removed meanwhile, as the next look finds
}

// decide takes in, and prints, what became of the event at an endpoint.
func (w *triggerWait) decide(e *api.EndpointExplanation) error {
	w.decided[e.Endpoint] = true
	// Of a deletion that is owed no more it may not be known whether it was told.
	w.told = w.told && (e.Verdict == api.ToldDelivered || e.Verdict == api.ToldUnknown)
	w.result.Endpoints = append(w.result.Endpoints, triggeredAt{e.Endpoint, e.Verdict, e.Text})
	if w.s.out.Format != render.Table {
		return nil
	}
	return w.s.out.Result(nil, "", fmt.Sprintf("%s  %s  %s", e.Endpoint, e.Verdict, e.Text))
}

func names(list []api.EndpointExplanation) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i] = list[i].Endpoint
	}
	return all
}

// triggerEnded reports whether an endpoint wants an event, as far as is known, and
// whether what there is to be waited for has happened.
func triggerEnded(event *api.Event, e *api.EndpointExplanation) (wants, done bool) {
	switch e.Verdict {
	case api.ToldDelivered, api.ToldHeld, api.ToldUnknown:
		return true, true
	case api.ToldRetrying, api.ToldFailed:
		// An attempt before the event says nothing of it.
		last := e.Owed[0].LastAttempt
		return true, last != nil && last.After(event.Received)
	case api.ToldWaiting, api.ToldDue:
		return true, false
	default:
		return false, true
	}
}
