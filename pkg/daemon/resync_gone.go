package daemon

import (
	"context"
	"slices"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// tracked looks at a page of tracked assets, for those that the catalogue does not
// show any more. When they were acknowledged says nothing: the clock may have been set
// back since.
func (s *search) tracked(ctx context.Context) error {
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	page, next, err := s.store.ListTracked(ctx, ep.ID, s.job.Cursor, searchPage)
	if err != nil {
		return err
	}
	page = slices.DeleteFunc(page, func(a tracking.Asset) bool { return s.shown.has(a.ID) })
	ids := make([]event.ID, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	var found finding
	if len(ids) > 0 {
		answers, err := s.viewer.Look(ctx, s.view(&ep, tracker), ids)
		if err != nil {
			return err
		}
		onlyGone := func(a style.Action) bool { return a == style.Delete }
		known := make([]*tracking.Asset, len(page))
		for i := range page {
			if answers[i].Asset.ID == page[i].ID {
				known[i] = &page[i]
			}
		}
		found = s.judge(&ep, tracker, answers, known, onlyGone)
	}
	switch {
	case next != "":
		return s.step(ctx, found, s.job.Phase, next)
	case s.job.Phase == resync.Counting:
		return s.step(ctx, found, resync.Tracking, "")
	default:
		return s.step(ctx, found, resync.Done, "")
	}
}
