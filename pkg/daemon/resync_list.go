package daemon

import (
	"context"
	"errors"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
)

// roomForPage is for how many answers there is room from the beginning: for what a page of
// the catalogue's own may bring beyond one that is judged.
const roomForPage = searchPage + searchPage/2

// searchSize is how many bytes of assets are enough for a page.
const searchSize = 4 << 20

// list goes through the catalogue.
func (s *search) list(ctx context.Context) error {
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	cursor := s.job.Cursor
	p := listed{cursor: cursor, answers: make([]catalogue.Answer, 0, roomForPage)}
	for asset, err := range s.viewer.List(ctx, s.view(&ep, tracker), &cursor) {
		if s.ordered == nil {
			p.turn(cursor)
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
		if s.ordered != nil {
			p.turn(p.answers[len(p.answers)-1].Asset.ID.JSON())
		}
		if p.whole >= searchPage || p.whole > 0 && p.size >= searchSize {
			retells := s.retells()
			if err := s.judgeListed(ctx, &p); err != nil || retells && !s.retells() {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.whole > 0 && s.hands() {
		// All that is left may be handed on, as the end itself may not.
		if err := s.judgeListed(ctx, &p); err != nil {
			return err
		}
	}
	ep, tracker, err = s.endpoint()
	if err != nil {
		return err
	}
	found, err := s.judgePage(ctx, &ep, tracker, p.answers, "")
	if err != nil {
		return err
	}
	if s.job.Order.Narrow() || s.ordered != nil && !s.maybeGone {
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
	whole   int    // of them, those that a cursor is after
	cursor  string // after those
	size    int    // of all, in bytes
}

// turn notes the list's cursor, which moves when a page has been yielded; that of an
// ordered one can be known after each asset.
func (p *listed) turn(cursor string) {
	if cursor != p.cursor {
		p.whole, p.cursor = len(p.answers), cursor
	}
}

// judgeListed judges whole pages, and makes room for the next ones.
func (s *search) judgeListed(ctx context.Context, p *listed) error {
	if p.whole == 0 {
		return nil
	}
	ep, tracker, err := s.endpoint()
	if err != nil {
		return err
	}
	found, err := s.judgePage(ctx, &ep, tracker, p.answers[:p.whole], p.cursor)
	if err != nil {
		return err
	}
	if err := s.step(ctx, found, resync.Listing, p.cursor); err != nil {
		return err
	}
	rest := copy(p.answers, p.answers[p.whole:])
	clear(p.answers[rest:])
	p.answers, p.whole, p.size = p.answers[:rest], 0, 0
	for i := range p.answers {
		p.size += len(p.answers[i].Asset.Data)
	}
	return nil
}
