package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
)

// judged is what the endpoint's style says of a change.
type judged struct {
	style.Explanation
	skips     map[attempt.Reason]uint64 // of the endpoint, ever
	delivered uint64                    // to the endpoint, ever
	deleted   time.Time                 // no deletion was acknowledged after it; zero: not known
}

// askStyle has a style that skips changes say what it makes of an event.
func (s *service) askStyle(ctx context.Context, x *explanation, e *seen) error {
	ep := &x.set.ep
	explainer, ok := x.set.style.(style.Explainer)
	if !ok {
		return nil
	}
	said, err := explainer.Explain(ctx, ep, &e.event, e.Received)
	var unread *catalogue.ReadError
	if errors.As(err, &unread) {
		x.step("asset", false, "", unread.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, step := range said.Steps {
		x.step(step.Name, step.OK, step.Wants, step.Text)
	}
	skips, err := s.store.Skips(ctx, ep.ID)
	if err != nil {
		return err
	}
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return err
	}
	deleted, err := s.store.ToldDeletion(ctx, ep.ID)
	if err != nil {
		return err
	}
	x.judged = &judged{said, skips, stats.Endpoints[ep.ID].Delivered, deleted}
	return nil
}

// mayHaveDeleted reports whether the endpoint has acknowledged a deletion since the event
// came in, as far as is known. A clock that was set back since says nothing.
func (x *explanation) mayHaveDeleted(e *seen) bool {
	deleted := x.judged.deleted
	return deleted.IsZero() || !deleted.Before(e.Received) || e.Received.After(x.now)
}

// askSkipped reports whether the style says what became of an event that nothing is
// owed of, as far as can be told: that is not kept.
func (x *explanation) askSkipped(e *seen) bool {
	j := x.judged
	if j == nil {
		return false
	}
	if j.Skipped == "" {
		if j.Acknowledged.Before(e.Received) {
			return false
		}
		x.conclude(api.ToldDelivered, "it was told; the endpoint has acknowledged the asset "+at(j.Acknowledged))
		return true
	}
	if j.skips[j.Skipped] == 0 {
		return false // no change was ever skipped for that
	}
	text := "it was not told: " + j.Text
	switch neverTold := j.Skipped == attempt.Untracked || j.Skipped == attempt.Filtered; {
	case neverTold && j.delivered == 0:
		text += ", and it never knew of it"
	case neverTold && !x.mayHaveDeleted(e):
		text += ", and it does not track it"
	case j.Skipped == attempt.Untracked && event.IsDeletion(e.event.Type, e.event.Reason):
		// Where deletions were told since, this may be one of them: nothing is known
		// of the asset any more.
		x.conclude(api.ToldUnknown, "nothing is owed any more: it was told to delete the asset, or never knew of it")
		return true
	case neverTold:
		// So it may be with what has left the filter.
		x.conclude(api.ToldUnknown, j.Text+", and it does not track it: it was not told, unless it knew of the asset and was told to delete it")
		return true
	case j.Skipped == attempt.Irrelevant && j.Acknowledged.After(e.Received):
		text += "; it has acknowledged the asset since, " + at(j.Acknowledged) + ", because of another change"
	}
	x.Reason = j.Skipped
	x.conclude(api.ToldSkipped, text)
	return true
}
