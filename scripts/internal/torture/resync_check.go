package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// finish lets everything settle, and compares.
func (s *resyncing) finish(ctx context.Context) error {
	s.shop.calmDown()
	if err := s.untilResynced(ctx, api.ResyncDone, api.ResyncStopped); err != nil {
		return err
	}
	if err := s.settle(ctx, 2*time.Minute); err != nil {
		return err
	}
	s.compare(ctx, "after the kills")
	// Once more, undisturbed: what was lost with a kill could hide behind it.
	wanted := s.stock.wanted()
	job, err := s.api().StartResync(ctx, shopName, api.ResyncOrder{DryRun: true, Changed: true})
	if err != nil {
		return err
	}
	if job.Found.Unchanged != uint64(len(wanted)) || job.Found.Told() != 0 {
		s.fault("all is told, and a resync would find %+v of %d assets", job.Found, len(wanted))
	}
	if _, err := s.api().StartResync(ctx, shopName, api.ResyncOrder{}); err != nil {
		return err
	}
	if err := s.untilResynced(ctx, api.ResyncDone); err != nil {
		return err
	}
	s.compare(ctx, "after a full resync")
	return nil
}

// untilResynced waits until the last synchronisation has ended, in one of these phases,
// and all is told.
func (s *resyncing) untilResynced(ctx context.Context, phases ...string) error {
	var last api.ResyncState
	err := process.Until(ctx, lookEvery, 2*time.Minute, "the synchronisation is done", func() (bool, error) {
		call, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		var err error
		last, err = s.api().Resync(call, shopName)
		return err == nil && !last.Running() && last.Remaining == 0, err
	})
	if err != nil {
		return fmt.Errorf("%w: %+v", err, last)
	}
	if !slices.Contains(phases, last.Phase) || last.Failed+last.Held > 0 {
		s.fault("the last synchronisation has ended so: %+v", last)
	}
	return s.until(ctx, time.Minute, "nothing is owed", func(status api.Status) bool { return status.Idle })
}

// compare holds the shop, and what dz tracks of it, to what the DAM has.
func (s *resyncing) compare(ctx context.Context, when string) {
	wanted := s.stock.wanted()
	missing := s.shop.missing(wanted)
	s.counts.Lost += len(missing)
	for _, text := range missing[:min(len(missing), 5)] {
		s.fault("%s: %s", when, text)
	}
	given := s.shop.states()
	tracked := 0
	for a, err := range s.api().EachTracked(ctx, shopName, true, api.Page{}) {
		if err != nil {
			s.fault("%s: list what is tracked: %v", when, err)
			return
		}
		tracked++
		if state, ok := given[a.AssetID.String()]; !ok || a.State == nil || *a.State != state {
			s.fault("%s: asset %s is tracked, and the shop has it: %v, with another state", when, a.AssetID, ok)
		}
	}
	if tracked != len(wanted) {
		s.fault("%s: %d assets are tracked of %d", when, tracked, len(wanted))
	}
}

// describe notes what was done, and what the shop has counted.
func (s *resyncing) describe() {
	s.shop.reconcile((shopConcurrency+ledger.Unsettled)*shopBatch, s.durableWithin())
	s.counts.Add(s.shop.counts)
	s.counts.Endpoints, s.counts.Owed = 1, len(s.stock.versions)
	s.faults = append(s.faults, s.shop.told...)
	var parts []string
	for _, b := range blows() {
		parts = append(parts, fmt.Sprintf("%s %d", b.name, s.hits[b.name]))
		if s.hits[b.name] == 0 {
			s.fault("no kill at %s", b.name)
		}
	}
	s.note("the shop refused %d requests, broke %d off, and left an item out %d times",
		s.shop.moods[refusing], s.shop.moods[breaking], s.shop.moods[forgetful])
	s.note("kills: %s; %d synchronisations begun, %d stopped; repeats are counted by asset, %d a request; peak RSS %d MiB",
		strings.Join(parts, ", "), s.begun, s.ended, shopBatch, s.peak>>20)
	s.note("%d deletions of assets that the shop did not have: dz had been killed, and could not know", s.shop.spare)
}
