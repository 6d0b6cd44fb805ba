package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// named looks at a page of the assets that the order names.
func (s *search) named(ctx context.Context) error {
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	begin := 0
	if s.job.Cursor != "" {
		if begin, err = strconv.Atoi(s.job.Cursor); err != nil {
			return fmt.Errorf("go on with a synchronisation: %w", err)
		}
	}
	ids := s.job.Order.Assets[min(begin, len(s.job.Order.Assets)):]
	ids = ids[:min(searchPage, len(ids))]
	answers, err := s.viewer.Look(ctx, s.view(&ep, tracker), ids)
	if err != nil {
		return err
	}
	found, err := s.judgePage(ctx, &ep, tracker, answers, "")
	if err != nil {
		return err
	}
	if begin += len(ids); begin < len(s.job.Order.Assets) {
		return s.step(ctx, found, resync.Listing, strconv.Itoa(begin))
	}
	return s.step(ctx, found, resync.Done, "")
}

// maxUnknown is how many assets an error names.
const maxUnknown = 10

// refuseUnknown refuses an order that names assets which nobody knows: the
// catalogue has none of that id, the endpoint has acknowledged none, and is owed
// none. A mistyped id is not to become an asset.
func (s *service) refuseUnknown(ctx context.Context, ep *endpoint.Endpoint, tracker style.Tracker, ids []event.ID) error {
	var unknown []string
	for page := range slices.Chunk(ids, searchPage) {
		strange, err := s.strangeTo(ctx, ep, tracker, page)
		if err != nil {
			return told(err)
		}
		if len(strange) == 0 {
			continue
		}
		answers, err := s.resyncs.viewer.Look(ctx, tracker.View(ep), strange)
		var unread *catalogue.ReadError
		if errors.As(err, &unread) {
			return nil // the synchronisation meets it too, and waits if that may help
		}
		if err != nil {
			return told(err)
		}
		for i := range answers {
			if isUnknown(&answers[i]) {
				unknown = append(unknown, strange[i].String())
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return noAssets(ep, unknown)
}

// noAssets is the error for assets that nobody knows.
func noAssets(ep *endpoint.Endpoint, unknown []string) error {
	names, verb, them := "asset "+unknown[0], "is", "it"
	if n := len(unknown); n > 1 {
		names, verb, them = "assets "+strings.Join(unknown[:min(n, maxUnknown)], ", "), "are", "them"
		if n > maxUnknown {
			names += fmt.Sprintf(" and %d more", n-maxUnknown)
		}
	}
	return &api.Error{
		Code:    api.CodeNotFound,
		Message: fmt.Sprintf("%s %s not in the catalogue, and endpoint %s has not acknowledged %s", names, verb, ep.Name, them),
		Hint:    "'dz asset show ID' shows what is known of an asset; assets go by their base id",
	}
}

// strangeTo returns those of ids that the endpoint neither has acknowledged nor is
// owed, once each.
func (s *service) strangeTo(ctx context.Context, ep *endpoint.Endpoint, tracker style.Tracker, ids []event.ID) ([]event.ID, error) {
	known, err := s.store.Tracked(ctx, ep.ID, ids)
	if err != nil {
		return nil, err
	}
	met := make(map[event.ID]bool, len(ids))
	for i := range known {
		met[known[i].ID] = true
	}
	var strange []event.ID
	for _, id := range ids {
		if met[id] {
			continue
		}
		met[id] = true
		_, err := s.store.Debt(ctx, ep.ID, tracker.AssetKey(id))
		switch {
		case errors.Is(err, store.ErrNotFound):
			strange = append(strange, id)
		case err != nil:
			return nil, err
		}
	}
	return strange, nil
}

// isUnknown reports whether the catalogue has no such asset, or never heard of it.
func isUnknown(shown *catalogue.Answer) bool {
	a := &shown.Asset
	return shown.Err == nil && (a.Deleted || a.Data == nil && a.Changed.IsZero())
}
