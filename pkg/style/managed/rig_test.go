package managed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// noon is when the DAM makes changes; they are told a minute later.
var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	told = noon.Add(time.Minute)
)

// assets is what a catalogue shows, by the JSON of the id; it hides all others.
type assets map[string]catalogue.Answer

func (assets) Supports(catalogue.View) error { return nil }

func (a assets) Look(_ context.Context, view catalogue.View, ids []event.ID) ([]catalogue.Answer, error) {
	if view.User == "nobody" {
		return nil, &catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: "the DAM is away"}
	}
	answers := make([]catalogue.Answer, len(ids))
	for i, id := range ids {
		answer, shown := a[id.JSON()]
		if !shown {
			answer.Asset.Deleted = true
		}
		answer.Asset.ID = id
		answers[i] = answer
	}
	return answers, nil
}

func (assets) List(context.Context, catalogue.View, *string) iter.Seq2[catalogue.Asset, error] {
	return func(func(catalogue.Asset, error) bool) {}
}

// shows has an asset's data.
func shows(data string) catalogue.Answer {
	return catalogue.Answer{Asset: catalogue.Asset{Data: json.RawMessage(data), Changed: noon}}
}

// memory is what endpoints have acknowledged.
type memory struct {
	tracked map[string]tracking.Asset // by the JSON of the id
	losses  tracking.Losses
	err     error
}

func (m *memory) Tracked(_ context.Context, _ uint64, ids []event.ID) ([]tracking.Asset, error) {
	var found []tracking.Asset
	for _, id := range ids {
		if a, ok := m.tracked[id.JSON()]; ok {
			found = append(found, a)
		}
	}
	return found, m.err
}

func (m *memory) Losses(context.Context, uint64, time.Time) (tracking.Losses, error) {
	return m.losses, m.err
}

// rig is a style with a catalogue, a memory and an endpoint.
type rig struct {
	testing.TB
	Style
	assets assets
	memory *memory
	ep     *endpoint.Endpoint
	debts  []debt.Debt
}

// newRig has an endpoint with options in JSON.
func newRig(t testing.TB, options string) *rig {
	t.Helper()
	r := &rig{TB: t, assets: assets{}, memory: &memory{tracked: map[string]tracking.Asset{}}}
	r.Style = New(r.assets, r.memory)
	r.ep = &endpoint.Endpoint{
		ID: 1, Name: "pim", Style: Name, URL: "https://pim.example/sync", Enabled: true,
		Subscription: endpoint.Subscription{ChangeTypes: event.AssetChanged},
	}
	if options != "" {
		if err := json.Unmarshal([]byte(options), &r.ep.Options); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// id reads an id in JSON.
func id(t testing.TB, text string) (id event.ID) {
	t.Helper()
	if err := id.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return id
}

// event reads one of an asset; more are its data's members.
func (r *rig) event(typ, asset, more string) *event.Event {
	r.Helper()
	line := fmt.Sprintf(`{"id":"e","source":"/dam","type":%q,"time":%q,"data":{"itemId":%s%s}}`, typ, noon.Format(time.RFC3339), asset, more)
	e, err := event.Decode([]byte(line))
	if err != nil {
		r.Fatalf("%s: %v", line, err)
	}
	return &e
}

// change is what an event means to the endpoint.
func (r *rig) change(e *event.Event) debt.Change {
	r.Helper()
	key, noted, ok := r.Key(e)
	if !ok {
		r.Fatalf("%s is told", e.Type)
	}
	return debt.Change{Endpoint: 1, Key: key, Event: e, Note: noted, Fold: r.Fold}
}

// owe owes a change, merging it into what is owed of the asset.
func (r *rig) owe(typ, asset, more string) *debt.Debt {
	r.Helper()
	c := r.change(r.event(typ, asset, more))
	for i := range r.debts {
		if r.debts[i].Key == c.Key {
			r.debts[i].Merge(c, noon)
			return &r.debts[i]
		}
	}
	r.debts = append(r.debts, debt.New(debt.NewID(noon, 1, uint64(len(r.debts)+1)), c, noon))
	return &r.debts[len(r.debts)-1]
}

// track has the endpoint know an asset as it is shown now, with a state.
func (r *rig) track(asset string, state tracking.State) {
	r.Helper()
	set, err := compile(r.ep)
	if err != nil {
		r.Fatal(err)
	}
	shown := r.assets[asset]
	shown.Asset.ID = id(r.TB, asset)
	j, err := set.judge(&shown, &tracking.Asset{})
	if err != nil {
		r.Fatal(err)
	}
	r.memory.tracked[asset] = tracking.Asset{ID: shown.Asset.ID, State: state, Digest: j.digest, Print: j.print, First: noon, Synced: noon, Syncs: 1}
}

// compose makes the message of all that is owed.
func (r *rig) compose() style.Message {
	r.Helper()
	m, err := r.Compose(r.Context(), r.ep, r.debts, told)
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// answered returns what an answer to all that is owed means.
func (r *rig) answered(status int, body string) style.Reading {
	r.Helper()
	m := r.compose()
	sent := attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: status, Started: told}
	return m.Understand(len(r.debts), attempt.Answer{Status: status, Body: []byte(body)}, sent)
}

// request is one as a receiver reads it.
type request struct {
	Actions       []action        `json:"actions"`
	Configuration json.RawMessage `json:"configuration"`
	TenantID      *string         `json:"tenantId"`
}

type action struct {
	Type      string          `json:"type"`
	Asset     json.RawMessage `json:"asset"`
	State     *string         `json:"integrationState"`
	StateHash *string         `json:"assetStateHash"`
	AssetID   json.RawMessage `json:"assetId"`
}

// read reads a request's body.
func read(t testing.TB, body []byte) (r request) {
	t.Helper()
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

var errDisk = errors.New("the disk is gone")

// lossless is a memory that does not know what was lost.
type lossless struct{ *memory }

func (lossless) Losses(context.Context, uint64, time.Time) (tracking.Losses, error) {
	return tracking.Losses{}, errDisk
}
