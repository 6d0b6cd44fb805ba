package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// judgePage judges what the catalogue shows, of a list up to a cursor. Where tracked
// assets are gone through too, these tell what is left out.
func (s *search) judgePage(ctx context.Context, ep *endpoint.Endpoint, tracker style.Tracker, answers []catalogue.Answer, upTo string) (finding, error) {
	known, err := s.known(ctx, ep, answers, upTo)
	if err != nil {
		return finding{}, err
	}
	counts := func(a style.Action) bool { return a != style.Delete || s.job.Order.Narrow() }
	f := s.judge(ep, tracker, answers, known, counts)
	err = s.reconsider(ctx, ep, tracker, &f)
	return f, err
}

// judge decides what to do about each asset that is shown once, and counts those
// that counts says. known is what is tracked of each.
func (s *search) judge(ep *endpoint.Endpoint, tracker style.Tracker, answers []catalogue.Answer, known []*tracking.Asset, counts func(style.Action) bool) (f finding) {
	seen := make(map[event.ID]bool)
	now, hands := s.now(), s.hands()
	for i := range answers {
		shown := &answers[i]
		id := shown.Asset.ID
		wanted, err := s.wanted(shown)
		if seen[id] || err == nil && !wanted {
			continue
		}
		if !s.inOrder() { // else each comes once
			seen[id] = true
		}
		var action style.Action
		if err == nil {
			action, err = s.actionFor(ep, tracker, shown, known[i])
		}
		s.note(id, action)
		switch {
		case err != nil && counts(style.Unchanged):
			f.miss(err)
		case err != nil || !counts(action):
		case f.count(action, s.job.Order.Changed):
			again := func() debt.Change {
				return tracker.Again(ep, &shown.Asset, now, !s.job.Order.Changed, action == style.Delete)
			}
			if action != style.Update || !hands {
				f.changes = append(f.changes, again())
				break
			}
			if f.handed.Of == nil {
				f.handed = debt.Alike{Change: again(), Of: make([]debt.Subject, 0, len(answers)-i)}
			}
			f.handed.Of = append(f.handed.Of, tracker.Subject(&shown.Asset))
		case action == style.Unchanged:
			f.unchanged = append(f.unchanged, &shown.Asset)
		}
	}
	return f
}

// note remembers of what a list shows what is looked at later for what it does not show.
func (s *search) note(id event.ID, action style.Action) {
	switch {
	case s.job.Phase != resync.Listing:
	case action == style.Delete:
		s.maybeGone = true
	case s.ordered == nil:
		s.shown.add(id)
	}
}

// actionFor says what to do about an asset that is shown; nothing, if it can't be
// read.
func (s *search) actionFor(ep *endpoint.Endpoint, tracker style.Tracker, shown *catalogue.Answer, known *tracking.Asset) (style.Action, error) {
	switch {
	case shown.Err != nil:
		return style.Nothing, shown.Err
	case s.job.Order.Changed:
		return tracker.Judge(ep, *shown, known)
	default:
		return tracker.Sift(ep, *shown, known)
	}
}

// reconsider looks at what is owed of assets that seem to be unchanged. Of one that the
// endpoint may have been told of, it is not known what the endpoint has. One whose
// deletion is held has come back, and nobody has said so: it is owed, and the deletion
// is to cancel itself.
func (s *search) reconsider(ctx context.Context, ep *endpoint.Endpoint, tracker style.Tracker, f *finding) error {
	if len(f.unchanged) == 0 {
		return nil
	}
	stats, err := s.store.Stats(ctx)
	if counts := stats.Endpoints[ep.ID]; err != nil || counts.Open+counts.Held+counts.Failed == 0 {
		return err
	}
	now := s.now()
	for _, asset := range f.unchanged {
		owed, err := s.store.Debt(ctx, ep.ID, tracker.AssetKey(asset.ID))
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return err
		case owed.IsDoubtful():
			f.Unchanged, f.Update = f.Unchanged-1, f.Update+1
		case !owed.Held || s.dry:
			continue
		}
		again := tracker.Again(ep, asset, now, false, false)
		// It is news: the deletion is the latest change no more. But one that is still
		// tried is looked at again by itself, as the catalogue may not show it yet.
		if owed.Held || owed.Failed && owed.Deletes() {
			again.Replayed = false
		}
		f.changes = append(f.changes, again)
	}
	return nil
}

// wanted reports whether the order is about the asset. An error is style.ErrFilter.
func (s *search) wanted(shown *catalogue.Answer) (bool, error) {
	if shown.Err != nil {
		return true, nil //nolint:nilerr // what it is can't be said
	}
	if since := s.job.Order.Since; !since.IsZero() && shown.Asset.Changed.Before(since) {
		return false, nil
	}
	if s.filter == nil {
		return true, nil
	}
	if shown.Asset.Deleted || shown.Asset.Data == nil {
		return false, nil
	}
	matches, err := s.filter.Match(shown.Asset.Data)
	if err != nil {
		return false, fmt.Errorf("asset %s: %w: %w", shown.Asset.ID, style.ErrFilter, err)
	}
	return matches, nil
}

// maxFault bounds what is kept of a fault, in bytes.
const maxFault = 500

// miss counts an asset of which nothing can be said, and keeps why of the first.
func (f *finding) miss(err error) {
	f.Seen++
	if errors.Is(err, style.ErrFilter) {
		f.Unjudged++
	} else {
		f.Unread++
	}
	if f.Fault == "" {
		text := err.Error()
		f.Fault = strings.ToValidUTF8(text[:min(len(text), maxFault)], "")
	}
}

// count counts an asset, and reports whether the endpoint is to be told of it.
func (f *finding) count(action style.Action, onlyChanged bool) (tell bool) {
	f.Seen++
	switch action {
	case style.Create:
		f.Create++
	case style.Update:
		f.Update++
	case style.Delete:
		f.Delete++
	case style.Unchanged:
		if onlyChanged {
			f.Unchanged++
			return false
		}
		f.Update++
	case style.Nothing:
		f.Skipped++
		return false
	}
	return true
}
