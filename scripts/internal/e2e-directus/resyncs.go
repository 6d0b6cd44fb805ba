package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
)

// resyncs are steps that dz is not told of: it has to find out.
var resyncs = []step{
	{
		name: "missed", what: "changes that no Flow tells, found by a resync of what differs", do: missed,
		meanwhile: resync("--changed", func(s *story, found api.ResyncFound) string {
			return wanted(found, api.ResyncFound{Create: 1, Update: 3, Delete: 1, Unchanged: uint64(s.visible()) - 4})
		}),
		check: created(1),
	},
	{
		name: "same", what: "a resync of what differs: nothing", do: nothing,
		meanwhile: resync("--changed", func(s *story, found api.ResyncFound) string {
			return wanted(found, api.ResyncFound{Unchanged: uint64(s.visible())})
		}),
		check: untold,
	},
	{
		name: "all", what: "a resync of everything", do: nothing,
		meanwhile: resync("--yes", func(s *story, found api.ResyncFound) string {
			return wanted(found, api.ResyncFound{Update: uint64(s.visible())})
		}),
		check: everyOne,
	},
	{name: "states", what: "what dz keeps of each is what the receiver has answered", do: nothing, meanwhile: sameStates},
}

func nothing(context.Context, *story) ([]sighting, error) { return nil, nil }

// missed makes changes while the Flow is off.
func missed(ctx context.Context, s *story) ([]sighting, error) {
	if err := s.site.tells(ctx, false); err != nil {
		return nil, err
	}
	_, err := s.mixture(ctx)
	if err == nil {
		_, err = s.replace(ctx, s.take(1))
	}
	return nil, errors.Join(err, s.site.tells(ctx, true))
}

// resync has dz synchronise the receiver, and judges by what it says it has found.
func resync(flag string, judge func(*story, api.ResyncFound) string) func(context.Context, *story) error {
	return func(ctx context.Context, s *story) error {
		text, err := s.command(ctx, "resync", endpointName, flag, "--wait", "-o", "json")
		if err != nil {
			return err
		}
		var state api.ResyncState
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			return fmt.Errorf("dz resync: %w", err)
		}
		if fault := judge(s, state.Found); fault != "" {
			s.receiver.fault("%s", fault)
		}
		return nil
	}
}

// visible is how many files the receiver is to have.
func (s *story) visible() int { return len(s.contents) - s.hidden }

// wanted says how what a resync has found differs from what there was to find.
func wanted(found, want api.ResyncFound) string {
	found.Seen = 0
	if found == want {
		return ""
	}
	return fmt.Sprintf("the resync has found %+v, want %+v", found, want)
}

// everyOne wants each asset told once, and no request that could have held more.
func everyOne(s *story, before, now tally) []string {
	var faults []string
	if n := count(now.syncs) - count(before.syncs); n != s.visible() {
		faults = append(faults, fmt.Sprintf("%d assets told, want %d", n, s.visible()))
	}
	if n, want := now.requests-before.requests, (s.visible()+maxBatch-1)/maxBatch; n > 2*want {
		faults = append(faults, fmt.Sprintf("%d requests, and %d would have been enough", n, want))
	}
	return faults
}

// sameStates compares what dz has tracked with what the receiver has.
func sameStates(ctx context.Context, s *story) error {
	have := s.receiver.tally().assets
	for tracked, err := range s.client.EachTracked(ctx, endpointName, true, api.Page{}) {
		if err != nil {
			return err
		}
		id := tracked.AssetID.String()
		kept, ok := have[id]
		switch {
		case !ok:
			s.receiver.fault("dz tracks %s, which the receiver does not have", id)
		case tracked.State == nil || *tracked.State != kept.state:
			s.receiver.fault("dz keeps another state of %s than %s", id, kept.state)
		}
		delete(have, id)
	}
	for id := range have {
		s.receiver.fault("dz does not track %s", id)
	}
	return nil
}
