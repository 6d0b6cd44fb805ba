package daemon

import (
	"context"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// known returns what is tracked of each asset that is shown, nil of others; of a list up
// to a cursor, "" for its end.
//
// A list that has an order has that in which assets are tracked: both are gone through
// side by side. So it is seen on the way whether anything is tracked that is not shown,
// and if nothing is, nobody need look for that again.
func (s *search) known(ctx context.Context, ep *endpoint.Endpoint, answers []catalogue.Answer, upTo string) ([]*tracking.Asset, error) {
	if s.inOrder() {
		tracked, more, err := s.store.TrackedWithin(ctx, ep.ID, s.job.Cursor, upTo, len(answers)+searchPage)
		if err != nil {
			return nil, err
		}
		if !more {
			return s.besides(answers, tracked), nil
		}
		s.maybeGone = true
	}
	ids := make([]event.ID, len(answers))
	for i := range answers {
		ids[i] = answers[i].Asset.ID
	}
	tracked, err := s.store.Tracked(ctx, ep.ID, ids)
	if err != nil {
		return nil, err
	}
	known := make([]*tracking.Asset, len(answers))
	for i, id := range ids {
		if len(tracked) > 0 && tracked[0].ID == id { // they are in the order of ids
			known[i], tracked = &tracked[0], tracked[1:]
		}
	}
	return known, nil
}

// inOrder reports whether what is shown is a list that has an order.
func (s *search) inOrder() bool {
	return s.ordered != nil && s.job.Phase == resync.Listing && len(s.job.Order.Assets) == 0
}

// besides puts what is tracked beside what is shown, both in the order of the catalogue.
func (s *search) besides(answers []catalogue.Answer, tracked []tracking.Asset) []*tracking.Asset {
	known := make([]*tracking.Asset, len(answers))
	for i := range answers {
		id := answers[i].Asset.ID
		for len(tracked) > 0 && tracked[0].ID != id && s.ordered.Past(id.JSON(), tracked[0].ID.JSON()) {
			tracked, s.maybeGone = tracked[1:], true
		}
		if len(tracked) > 0 && tracked[0].ID == id {
			known[i], tracked = &tracked[0], tracked[1:]
		}
	}
	s.maybeGone = s.maybeGone || len(tracked) > 0
	return known
}
