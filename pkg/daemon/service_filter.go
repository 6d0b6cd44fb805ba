package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/assetfilter"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/rawjson"
	"github.com/dam-delivery/dz/pkg/style"
)

// One answer's share of a count ends at the first page of the catalogue after so
// many assets, or so long.
const (
	countAssets = 20_000
	countTime   = time.Second
)

// trial is a filter that is tried, as if it were the endpoint's.
type trial struct {
	text   string
	filter *assetfilter.Filter // nil: none, which matches all
	view   catalogue.View
}

// tryOut makes a trial of an endpoint's filter, or of another one.
func (s *service) tryOut(name, text string) (trial, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return trial{}, s.noEndpoint(name, err)
	}
	ep, tracker, err := trackerOf(l)
	if judge, ok := l.settings.Load().style.(style.FilterJudge); err != nil || !ok || !judge.JudgesFilter() {
		return trial{}, &api.Error{
			Code:    api.CodeConflict,
			Message: fmt.Sprintf("the filter of endpoint %s, style %s, is over events, and not over assets", name, ep.Style),
			Hint:    "'dz explain' shows what it makes of an event",
		}
	}
	if text != "" {
		ep.Subscription.Filter = text
	}
	t := trial{text: ep.Subscription.Filter}
	if t.text != "" {
		if t.filter, err = assetfilter.Compile(t.text); err != nil {
			return trial{}, invalid(err)
		}
	}
	t.view = tracker.View(&ep)
	return t, nil
}

// match applies the filter; text is why it can't be applied.
func (t *trial) match(data json.RawMessage) (matches bool, text string) {
	if t.filter == nil {
		return true, ""
	}
	matches, err := t.filter.Match(data)
	if err != nil {
		return false, err.Error()
	}
	return matches, ""
}

// TryFilter says what a filter makes of an asset. Digits may be the id's number or
// its text.
func (s *service) TryFilter(ctx context.Context, name, filter, id string) (api.FilterTrial, error) {
	t, err := s.tryOut(name, filter)
	if err != nil {
		return api.FilterTrial{}, err
	}
	typed, err := event.ParseID(id)
	if err != nil {
		return api.FilterTrial{}, invalid(err)
	}
	ids := []event.ID{typed}
	if text := event.StringID(id); text != typed && s.dam == nil { // for a DAM digits are both
		ids = append(ids, text)
	}
	answers, err := s.shown.Look(ctx, t.view, ids)
	if err != nil {
		return api.FilterTrial{}, toldUnread(err)
	}
	for _, shown := range answers {
		a := shown.Asset
		if shown.Err != nil {
			return api.FilterTrial{}, toldUnread(shown.Err)
		}
		if a.Data == nil && !a.Deleted {
			continue
		}
		answer := api.FilterTrial{Endpoint: name, Filter: t.text, AssetID: a.ID, Title: a.Title(), Deleted: a.Deleted}
		if answer.Values, err = t.values(a.Data); err != nil {
			return api.FilterTrial{}, err
		}
		if !a.Deleted {
			answer.Matches, answer.Error = t.match(a.Data)
		}
		return answer, nil
	}
	return api.FilterTrial{}, &api.Error{
		Code: api.CodeNotFound, Message: "nothing is known of asset " + typed.String(),
		Hint: "'dz asset list' shows of which something is; assets go by their base id",
	}
}

// values returns what the filter names of an asset.
func (t *trial) values(data json.RawMessage) ([]api.FilterValues, error) {
	if t.filter == nil || len(data) == 0 {
		return nil, nil
	}
	asset, err := rawjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("the asset's data: %w", err)
	}
	var values []api.FilterValues
	for _, name := range t.filter.Members() {
		v := api.FilterValues{Name: name}
		for m := range asset.Members {
			if string(m.Name) == name {
				v.Value = json.RawMessage(m.Value)
			}
		}
		values = append(values, v)
	}
	for _, name := range t.filter.Fields() {
		v := api.FilterValues{Name: name, Field: true}
		if found, ok := metadata.Find(asset, metadata.NewNames(name)); ok {
			v.Value = json.RawMessage(found.JSON)
		}
		values = append(values, v)
	}
	return values, nil
}

// CountFilter counts what a filter matches of a part of the catalogue.
func (s *service) CountFilter(ctx context.Context, name, filter, cursor string) (api.FilterCount, error) {
	t, err := s.tryOut(name, filter)
	if err != nil {
		return api.FilterCount{}, err
	}
	count := api.FilterCount{Endpoint: name, Filter: t.text}
	begun, page := s.now(), cursor
	for a, err := range s.shown.List(ctx, t.view, &cursor) {
		if cursor != page { // what comes now is of the next page
			page = cursor
			if count.Total >= countAssets || s.now().Sub(begun) >= countTime {
				count.Next = cursor
				break
			}
		}
		var unread *catalogue.ReadError
		if errors.As(err, &unread) && errors.Is(err, catalogue.ErrUnreadable) && !unread.Asset.IsZero() {
			count.Total++
			count.Unread++
			continue
		}
		if err != nil {
			return api.FilterCount{}, toldUnread(err)
		}
		count.Total++
		matches, text := t.match(a.Data)
		if matches {
			count.Matched++
		}
		if text != "" {
			count.Failed++
			if count.Error == "" {
				count.Error = "asset " + a.ID.String() + ": " + text
			}
		}
	}
	return count, nil
}
