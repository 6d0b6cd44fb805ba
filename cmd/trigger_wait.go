package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// triggerLook is how often what became of an event is looked at.
const triggerLook = 100 * time.Millisecond

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

// waitForTriggered waits until every endpoint that wants an event has been told of
// it, or has failed it, or is one that nothing is sent to, and prints a line for
// each when it is so. That one was not told is an error.
func (a *app) waitForTriggered(ctx context.Context, s session, result triggered) error {
	s.pause() // it takes as long as the debounce and the receivers take
	if s.out.Format == render.Table {
		a.note("event %s accepted", result.ID)
	}
	look := time.NewTicker(triggerLook)
	defer look.Stop()
	decided := make(map[string]bool)
	told := true
	for {
		explanation, err := s.client.Explain(ctx, result.ID, "")
		if err != nil {
			return err
		}
		waiting := false
		for i := range explanation.Endpoints {
			e := &explanation.Endpoints[i]
			if decided[e.Endpoint] {
				continue
			}
			wants, done := triggerEnded(explanation.Event, e)
			if waiting = waiting || wants && !done; !wants || !done {
				continue
			}
			decided[e.Endpoint] = true
			told = told && e.Verdict == api.ToldDelivered
			result.Endpoints = append(result.Endpoints, triggeredAt{e.Endpoint, e.Verdict, e.Text})
			if s.out.Format == render.Table {
				if err := s.out.Result(nil, "", fmt.Sprintf("%s  %s  %s", e.Endpoint, e.Verdict, e.Text)); err != nil {
					return err
				}
			}
		}
		if !waiting {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
	if len(result.Endpoints) == 0 {
		a.note("no endpoint wants it: 'dz explain %s' says why", result.ID)
	}
	if s.out.Format != render.Table {
		if err := s.out.Result(result, result.ID, ""); err != nil {
			return err
		}
	}
	if !told {
		return errSilent
	}
	return nil
}

// triggerEnded reports whether an endpoint wants an event, and whether what there
// is to be waited for has happened.
func triggerEnded(event *api.Event, e *api.EndpointExplanation) (wants, done bool) {
	switch e.Verdict {
	case api.ToldDelivered, api.ToldHeld:
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
