package rest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// asset maps what was taken from an answer. The error is of kind ErrUnreadable,
// with the asset's id where that could be read, or ctx's.
func (c *Catalogue) asset(ctx context.Context, taken any, v catalogue.View) (catalogue.Asset, error) {
	values := c.viewValues(v)
	m := &c.api.asset
	id, err := c.mapID(ctx, m.id, taken, values)
	if err == nil && id.IsZero() {
		err = fmt.Errorf("%s finds no id", m.id.name)
	}
	if err != nil {
		return catalogue.Asset{}, c.readFailure(ctx, event.ID{}, err)
	}
	a := catalogue.Asset{ID: id, Changed: c.config.Now()}
	if a.ItemID, err = c.mapID(ctx, m.item, taken, values); err == nil {
		err = m.fill(ctx, &a, taken, values)
	}
	if err != nil {
		return catalogue.Asset{}, c.readFailure(ctx, id, err)
	}
	return a, nil
}

// fill sets what is not an id.
func (m *mapping) fill(ctx context.Context, a *catalogue.Asset, taken any, values scope) error {
	data, err := yield(ctx, m.data, taken, values)
	if err != nil {
		return err
	}
	if m.data == nil {
		data = taken
	}
	if _, ok := data.(map[string]any); !ok {
		return errors.New("asset.data yields no object")
	}
	if a.Data, err = gojq.Marshal(data); err != nil {
		return fmt.Errorf("asset.data: %w", err)
	}
	changed, err := yield(ctx, m.changed, taken, values)
	if err != nil {
		return err
	}
	if at, err := changeTime(changed); err != nil {
		return fmt.Errorf("asset.changed: %w", err)
	} else if !at.IsZero() {
		a.Changed = at
	}
	deleted, err := yield(ctx, m.deleted, taken, values)
	if err != nil {
		return err
	}
	switch deleted := deleted.(type) {
	case nil:
	case bool:
		a.Deleted = deleted
	default:
		return errors.New("asset.deleted yields neither true nor false")
	}
	return nil
}

// yield runs a program that may be nil.
func yield(ctx context.Context, p *program, input any, values scope) (any, error) {
	if p == nil {
		return nil, nil
	}
	return p.run(ctx, input, values)
}

// mapID returns no id for a nil program and for null.
func (c *Catalogue) mapID(ctx context.Context, p *program, taken any, values scope) (event.ID, error) {
	var id event.ID
	found, err := yield(ctx, p, taken, values)
	if err != nil || found == nil {
		return id, err
	}
	text, err := gojq.Marshal(found)
	if err != nil {
		return id, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := id.UnmarshalJSON(text); err != nil {
		return id, fmt.Errorf("%s: %w", p.name, err)
	}
	return id, nil
}

// changeTime reads a time; zero for null.
func changeTime(value any) (time.Time, error) {
	switch value := value.(type) {
	case nil:
		return time.Time{}, nil
	case string:
		return parseTime(value)
	default:
		seconds, ok := number(value)
		if !ok {
			return time.Time{}, errors.New("it is neither a time nor a number")
		}
		whole := int64(seconds)
		return time.Unix(whole, int64((seconds-float64(whole))*1e9)).UTC(), nil
	}
}

// parseTime reads a time of RFC 3339, which is UTC if it names no zone, as .NET
// writes it.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no time", text)
	}
	return at, nil
}
