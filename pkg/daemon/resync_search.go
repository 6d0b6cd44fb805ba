package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// searchPage is how many assets a search judges at a time, at least where the
// catalogue's own pages are larger: several whole requests of a managed
// integration as it is by default.
const searchPage = 1000

// searchSize is how many bytes of assets are enough for a page.
const searchSize = 4 << 20

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
}

// search finds what an endpoint is to be told, page by page, and moves a job on
// with each page. What a dry run counts is by construction what the job tells: they
// are the same search, and differ in take.
//
// It goes through the catalogue, and then through what is tracked, for what the
// catalogue shows no more: once to count, and if there is any, once more to owe
// their deletion. It holds a page, whatever there is.
type search struct {
	viewer catalogue.Viewer
	store  searched
	now    func() time.Time
	// endpoint returns it as it is now, with its style.
	endpoint func() (endpoint.Endpoint, style.Tracker, error)
	filter   assetMatcher // of the order; nil: none
	// take takes what a page came to, with the job as it is after it. After an
	// error the page is not taken, and comes again.
	take func(ctx context.Context, job resync.Job, changes []debt.Change) error
	dry  bool // count only: owe nothing that was counted

	job   resync.Job
	shown shownAssets
}

// finding is what a page came to.
type finding struct {
	resync.Found
	changes   []debt.Change
	unchanged []*catalogue.Asset // of those that are not told
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
	if err := s.take(ctx, next, f.changes); err != nil {
		return err
	}
	s.job = next
	return nil
}

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
	found, err := s.judgePage(ctx, &ep, tracker, answers)
	if err != nil {
		return err
	}
	if begin += len(ids); begin < len(s.job.Order.Assets) {
		return s.step(ctx, found, resync.Listing, strconv.Itoa(begin))
	}
	return s.step(ctx, found, resync.Done, "")
}

// list goes through the catalogue.
func (s *search) list(ctx context.Context) error {
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	cursor := s.job.Cursor
	p := listed{cursor: cursor}
	for asset, err := range s.viewer.List(ctx, s.view(&ep, tracker), &cursor) {
		if p.turn(cursor); p.whole >= searchPage || p.whole > 0 && p.size >= searchSize {
			if err := s.judgeListed(ctx, &p); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
			p.answers = append(p.answers, catalogue.Answer{Asset: asset})
			p.size += len(asset.Data)
		case unreadableAsset(err) != event.ID{}:
			p.answers = append(p.answers, catalogue.Answer{Asset: catalogue.Asset{ID: unreadableAsset(err)}, Err: err})
		default:
			// What came before it need not come again.
			return errors.Join(err, s.judgeListed(ctx, &p))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ep, tracker, err = s.endpoint()
	if err != nil {
		return err
	}
	found, err := s.judgePage(ctx, &ep, tracker, p.answers)
	if err != nil {
		return err
	}
	if s.job.Order.Narrow() {
		return s.step(ctx, found, resync.Done, "")
	}
	return s.step(ctx, found, resync.Counting, "")
}

// unreadableAsset is the one asset that an error of a list is about; none if it is
// about the list.
func unreadableAsset(err error) event.ID {
	var unread *catalogue.ReadError
	if errors.As(err, &unread) && errors.Is(err, catalogue.ErrUnreadable) {
		return unread.Asset
	}
	return event.ID{}
}

// listed is what a list has yielded and was not judged yet.
type listed struct {
	answers []catalogue.Answer
	whole   int    // of them, those of whole pages
	cursor  string // after those
	size    int    // of all, in bytes
}

// turn notes the list's cursor, which moves when a page has been yielded.
func (p *listed) turn(cursor string) {
	if cursor != p.cursor {
		p.whole, p.cursor = len(p.answers), cursor
	}
}

// judgeListed judges whole pages.
func (s *search) judgeListed(ctx context.Context, p *listed) error {
	if p.whole == 0 {
		return nil
	}
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	found, err := s.judgePage(ctx, &ep, tracker, p.answers[:p.whole])
	if err != nil {
		return err
	}
	p.answers, p.whole, p.size = slices.Clone(p.answers[p.whole:]), 0, 0
	for i := range p.answers {
		p.size += len(p.answers[i].Asset.Data)
	}
	return s.step(ctx, found, resync.Listing, p.cursor)
}

// tracked looks at a page of tracked assets, for those that the catalogue does not
// show any more. What was acknowledged since the job began was shown since.
func (s *search) tracked(ctx context.Context) error {
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	page, next, err := s.store.ListTracked(ctx, ep.ID, s.job.Cursor, searchPage)
	if err != nil {
		return err
	}
	page = slices.DeleteFunc(page, func(a tracking.Asset) bool { return !a.Synced.Before(s.job.Started) || s.shown.has(a.ID) })
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
		found = s.judge(&ep, tracker, answers, page, onlyGone)
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
