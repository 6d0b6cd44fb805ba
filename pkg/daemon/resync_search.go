package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// searchPage is how many assets a search judges at a time, at least where the
// catalogue's own pages are larger: several whole requests of a managed
// integration as it is by default.
const searchPage = 1000

// errNotTracked: the endpoint's style does not track what it has acknowledged.
var errNotTracked = errors.New("its style does not keep track of assets")

// assetMatcher is a filter over an asset's data.
type assetMatcher interface {
	Match(data json.RawMessage) (bool, error)
	Fields() []string
}

// searched is what a search reads of the store.
type searched interface {
	store.Tracking
	Debt(ctx context.Context, endpoint uint64, key debt.Key) (debt.Failure, error)
	Stats(ctx context.Context) (store.Stats, error)
}

// search finds what an endpoint is to be told, page by page, and moves a job on
// with each page. What a dry run counts is by construction what the job tells: they
// are the same search, and differ in take.
//
// It goes through the catalogue, and then through what is tracked, for what the
// catalogue shows no more: once to count, and if there is any, once more to owe
// their deletion. That is left out if it has seen on the way that all is shown. It holds
// a page, whatever there is.
type search struct {
	viewer catalogue.Viewer
	store  searched
	now    func() time.Time
	// endpoint returns it as it is now, with its style.
	endpoint func() (endpoint.Endpoint, style.Tracker, error)
	filter   assetMatcher // of the order; nil: none
	// take takes what a page came to, with the job as it is after it. After an
	// error the page is not taken, and comes again.
	take func(ctx context.Context, job resync.Job, found finding) error
	dry  bool // count only: owe nothing that was counted
	// ordered, if not nil, is the catalogue as one that can be listed again from a place
	// on, and shows there what it showed: so its assets may be handed on.
	ordered catalogue.Ordered

	job   resync.Job
	mark  string // how far a process before this one has handed on; "": nothing
	shown shownAssets
	// maybeGone: something may be tracked that the catalogue shows no more; see known. Of
	// lists without an order that is never known.
	maybeGone bool
}

// finding is what a page came to.
type finding struct {
	resync.Found
	changes   []debt.Change
	handed    debt.Alike         // likewise, of tracked assets: they need no debt
	unchanged []*catalogue.Asset // as it seems
}

// run goes on with the job until it is done. After an error, it can be run again.
func (s *search) run(ctx context.Context) error {
	for s.job.Running() {
		err := ctx.Err()
		switch {
		case err != nil:
		case len(s.job.Order.Assets) > 0:
			err = s.named(ctx)
		case s.job.Phase == resync.Listing:
			err = s.list(ctx)
		default:
			err = s.tracked(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a process before this one may have told what comes after the
// cursor.
func (s *search) holds(cursor string) bool {
	return s.ordered != nil && s.mark != "" && !s.ordered.Past(cursor, s.mark)
}

// retells reports whether a process before this one may have told what comes next.
func (s *search) retells() bool { return s.job.Phase == resync.Listing && s.holds(s.job.Cursor) }

// hands reports whether what comes next may be handed on, if it is tracked.
func (s *search) hands() bool {
	return s.ordered != nil && s.job.Phase == resync.Listing && !s.job.Order.Changed && !s.job.Order.Narrow() && !s.retells()
}

// step hands on what a page came to.
func (s *search) step(ctx context.Context, f finding, phase resync.Phase, cursor string) error {
	next := s.job.Next(f.Found, phase, cursor)
	switch s.job.Phase {
	case resync.Counting:
		next.Deletions += uint64(len(f.changes))
		f.changes = nil
		if phase == resync.Tracking && (next.Deletions == 0 || s.dry) {
			next.Phase = resync.Done
		}
	case resync.Tracking:
		next.Found = s.job.Found // they were counted
		next.Deletions -= min(next.Deletions, uint64(len(f.changes)))
	case resync.Listing, resync.Done, resync.Stopped:
	}
	if !next.Running() {
		next.Ended = s.now()
	}
	if err := s.take(ctx, next, f); err != nil {
		return err
	}
	s.job = next
	return nil
}

// view is how the endpoint is shown assets, with what the order's filter needs.
func (s *search) view(ep *endpoint.Endpoint, tracker style.Tracker) catalogue.View {
	view := tracker.View(ep)
	if !s.job.Order.Changed {
		view = tracker.SiftView(ep)
	}
	if s.filter == nil {
		return view
	}
	view.Part = catalogue.Whole
	view.Fields = slices.Clone(view.Fields)
	for _, field := range s.filter.Fields() {
		if !slices.Contains(view.Fields, field) {
			view.Fields = append(view.Fields, field)
		}
	}
	return view
}
