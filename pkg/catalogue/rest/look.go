package rest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// Assets returns the assets of ids as the catalogue's own user sees them. One
// that is gone is Deleted and may have no data. An asset that is there and can't
// be read is left out, and the error says so; the others are returned with it.
func (c *Catalogue) Assets(ctx context.Context, ids []event.ID) ([]catalogue.Asset, error) {
	answers, err := c.Look(ctx, catalogue.View{}, ids)
	if err != nil {
		return nil, err
	}
	assets := make([]catalogue.Asset, 0, len(answers))
	var unreadable []error
	for _, a := range answers {
		if a.Err != nil {
			unreadable = append(unreadable, a.Err)
			continue
		}
		assets = append(assets, a.Asset)
	}
	return assets, errors.Join(unreadable...)
}

// Supports refuses a user or a language where the declaration has no way to say it.
func (c *Catalogue) Supports(v catalogue.View) error { return c.supports(c.view(v)) }

// view fills in what is configured.
func (c *Catalogue) view(v catalogue.View) catalogue.View {
	if v.Language == "" {
		v.Language = c.config.Language
	}
	return v
}

// supports refuses a view that the API has no way to show. To show another one
// would tell a user's receiver what the user must not see.
func (c *Catalogue) supports(v catalogue.View) error {
	switch {
	case v.User != "" && c.api.auth.impersonate == nil:
		return c.refused("the API has no declared way to read as user %q (auth.impersonate)", v.User)
	case v.Language != "" && !c.api.hasLanguage:
		return c.refused("the API has no declared way to read in language %q: no program uses $language", v.Language)
	default:
		return nil
	}
}

// look collects the answers to ids.
type look struct {
	ids     []event.ID
	answers []catalogue.Answer
	byText  map[string][]int // indexes of ids
	known   []bool           // whether there is an answer
	absent  map[string]bool  // ids, as text, that an answer to many did not have
}

func newLook(ids []event.ID) *look {
	l := &look{
		ids: ids, answers: make([]catalogue.Answer, len(ids)),
		byText: make(map[string][]int, len(ids)), known: make([]bool, len(ids)), absent: make(map[string]bool),
	}
	for i, id := range ids {
		l.byText[id.String()] = append(l.byText[id.String()], i)
		l.answers[i].Asset.ID = id
	}
	return l
}

// tell notes an asset, or the error that concerns it, under the id that was
// asked for. Ids are compared by their text: some APIs write numbers as strings.
func (l *look) tell(id event.ID, a catalogue.Asset, err error) {
	for _, i := range l.byText[id.String()] {
		a.ID = l.ids[i]
		l.answers[i], l.known[i] = catalogue.Answer{Asset: a, Err: err}, true
	}
}

// missing returns each id once that there is no answer to.
func (l *look) missing() []event.ID {
	var ids []event.ID
	for i, id := range l.ids {
		if !l.known[i] && l.byText[id.String()][0] == i {
			ids = append(ids, id)
		}
	}
	return ids
}

// Look asks for several assets at once where the API can. What is missing in
// that answer, or makes it unreadable, is asked for alone.
func (c *Catalogue) Look(ctx context.Context, v catalogue.View, ids []event.ID) ([]catalogue.Answer, error) {
	v = c.view(v)
	if err := c.supports(v); err != nil {
		return nil, err
	}
	l := newLook(ids)
	if c.api.many != nil && (len(ids) > 1 || c.api.get == nil) {
		for chunk := range slices.Chunk(l.missing(), c.api.many.size) {
			if err := c.lookMany(ctx, v, l, chunk); err != nil {
				return nil, err
			}
		}
	}
	if c.api.get != nil {
		if err := c.lookEach(ctx, v, l, l.missing()); err != nil {
			return nil, err
		}
	}
	for _, id := range l.missing() { // the API can't be asked for it alone
		l.tell(id, catalogue.Asset{Deleted: true, Changed: c.config.Now()}, nil)
	}
	return l.answers, nil
}

// lookMany asks for several assets with one request.
func (c *Catalogue) lookMany(ctx context.Context, v catalogue.View, l *look, ids []event.ID) error {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = jqID(id)
	}
	o := order{request: c.api.many, view: v, values: scope{"ids": list}}
	a, err := c.call(ctx, o)
	alone := c.api.get != nil
	if alone && (cantTakeID(a.status) || errors.Is(err, catalogue.ErrUnreadable)) {
		return nil // one of them may be the reason
	}
	if err != nil {
		return err
	}
	items, err := c.items(ctx, o, a)
	if err != nil {
		if alone && errors.Is(err, catalogue.ErrUnreadable) {
			return nil
		}
		return err
	}
	nameless := false
	for _, item := range items {
		a, err := c.asset(ctx, item, v)
		var unreadable *catalogue.ReadError
		switch {
		case err == nil:
			l.tell(a.ID, a, nil)
		case !errors.As(err, &unreadable):
			return err
		case unreadable.Asset.IsZero():
			nameless = true
		default:
			l.tell(unreadable.Asset, catalogue.Asset{}, err)
		}
	}
	for _, id := range ids {
		switch {
		case l.known[l.byText[id.String()][0]]:
		case !nameless:
			l.absent[id.String()] = true
		case !alone: // any of these may be the one without an id
			l.tell(id, catalogue.Asset{}, c.unreadable(id, "an asset in the answer has no id that can be read"))
		}
	}
	return nil
}

// items takes the assets from an answer that has several.
func (c *Catalogue) items(ctx context.Context, o order, a answer) ([]any, error) {
	taken, err := c.decode(ctx, o, a)
	if err != nil {
		return nil, err
	}
	items, ok := taken.([]any)
	if !ok {
		return nil, c.unreadable(event.ID{}, "%s.take yields no array", o.name)
	}
	return items, nil
}

// lookEach asks for each asset alone, Config.Concurrency at a time.
func (c *Catalogue) lookEach(ctx context.Context, v catalogue.View, l *look, ids []event.ID) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards l
		next = make(chan event.ID)
	)
	for range min(c.config.Concurrency, len(ids)) {
		wg.Go(func() {
			for id := range next {
				a, err := c.lookOne(ctx, v, id, l.absent[id.String()])
				var concerns *catalogue.ReadError
				if err != nil && (!errors.As(err, &concerns) || !errors.Is(err, catalogue.ErrUnreadable)) {
					stop(err)
					continue
				}
				mu.Lock()
				l.tell(id, a, err)
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		select {
		case next <- id:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// jqID returns an id as a value of jq: a number or a text.
func jqID(id event.ID) any {
	if id.IsString() {
		return id.String()
	}
	return json.Number(id.JSON())
}
