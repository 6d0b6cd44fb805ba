package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// lookOne asks for one asset. absent says that an answer to many did not have
// it. Errors that concern it alone are of kind ErrUnreadable.
func (c *Catalogue) lookOne(ctx context.Context, v catalogue.View, id event.ID, absent bool) (catalogue.Asset, error) {
	if text := id.String(); text == "." || text == ".." {
		return catalogue.Asset{}, c.unreadable(id, "such an id can't stand in a path")
	}
	o := order{request: c.api.get, view: v, values: scope{"id": jqID(id)}}
	answered, err := c.call(ctx, o)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	isGone, err := c.isGone(ctx, o, answered)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	if isGone {
		return c.gone(ctx, v, id, absent)
	}
	taken, err := c.decode(ctx, o, answered)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	if taken == nil && c.api.goneEmpty {
		return c.gone(ctx, v, id, absent)
	}
	a, err := c.asset(ctx, taken, v)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	if a.ID.String() != id.String() {
		return catalogue.Asset{}, c.unreadable(id, "the answer is asset %s", a.ID)
	}
	return a, nil
}

// gone returns the asset that is gone, unless Many must agree and does not: then
// what Many says, be it the asset or an error.
func (c *Catalogue) gone(ctx context.Context, v catalogue.View, id event.ID, absent bool) (catalogue.Asset, error) {
	gone := catalogue.Asset{Deleted: true, Changed: c.config.Now()}
	if !c.api.goneCheck || absent {
		return gone, nil
	}
	o := order{request: c.api.many, view: v, values: scope{"ids": []any{jqID(id)}}}
	answered, err := c.call(ctx, o)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	if cantTakeID(answered.status) {
		return gone, nil // it says nothing against it
	}
	items, err := c.items(ctx, o, answered)
	if err != nil {
		return catalogue.Asset{}, of(id, err)
	}
	for _, item := range items {
		a, err := c.asset(ctx, item, v)
		if err != nil {
			return catalogue.Asset{}, of(id, err)
		}
		if a.ID.String() == id.String() {
			return a, nil // it has come back meanwhile
		}
	}
	return gone, nil
}

// cantTakeID reports whether a status says that an id is of a form which the DAM
// does not know.
func cantTakeID(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// of makes an unreadable answer the asset's own: it was the only one asked for.
func of(id event.ID, err error) error {
	var e *catalogue.ReadError
	if errors.As(err, &e) && errors.Is(err, catalogue.ErrUnreadable) {
		concerns := *e
		concerns.Asset = id
		return &concerns
	}
	return err
}
