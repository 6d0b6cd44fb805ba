// Package managed is the delivery style of KeyShot Dock's managed integrations:
// batches of the assets that have changed for an integration, each with the state
// that the integration gave when it was last told, deletions included. The form is
// that of the documentation of managed integrations (Request and answer: wire.go,
// answer.go).
//
// What an integration is told is judged when it is told, by the asset as the
// catalogue shows it then, and by what the integration has acknowledged: so
// whatever the order of events, it ends with the latest. A change that does not
// matter to it is skipped, and counted with its reason (relevance.go). Deletions
// that are too many at a time are held (guard.go).
//
// An integration may have taken what it did not acknowledge: an answer is lost, or dz
// is killed before it is durable. An asset that is gone by then, or has left the
// filter, is not tracked, and the integration would have it for ever. So if it may
// have been told of such an asset, it is told to delete it, without a state. That it
// may have is known of each asset that is created: it is made durable before the
// request is sent, and holds until the integration acknowledges the asset, or an
// attempt fails before anything was sent; a debt that a person purges takes that
// knowledge with it. An integration is to acknowledge the deletion of an asset that
// it does not have, and do nothing else.
//
// Likewise it may have taken an update or a deletion, and the asset returns to the form
// that was acknowledged last. So what may have been taken is told again, also where
// nothing seems to have changed, or nothing that matters: where an attempt failed after
// it was sent, and of all that was owed before dz was started, as any of it may have
// been under way at a kill. An update too many does no harm.
//
// The style keeps no state of its own: what is tracked lies in the store, and is
// written by the settlement that ends a debt.
package managed

import (
	"context"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/assetfilter"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// Name is the style's name.
const Name = "managed"

// Defaults of the style's settings, and bounds.
const (
	DefaultBatch   = 200
	MaxBatch       = 10_000
	DefaultTimeout = 100 * time.Second
	DefaultGuard   = 20 // percent
	DefaultAbove   = 50 // assets
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 16 << 20
	// maxBody bounds a request that tells more than one asset, in bytes: many
	// receivers take no larger one, and several are made at a time.
	maxBody = 8 << 20
)

// Memory is what is remembered of endpoints.
type Memory interface {
	// Tracked returns those of ids that the endpoint tracks, in the order of ids, and one
	// that is asked for twice twice.
	Tracked(ctx context.Context, endpoint uint64, ids []event.ID) ([]tracking.Asset, error)
	// Losses returns what the guard against mass deletion goes by.
	Losses(ctx context.Context, endpoint uint64, now time.Time) (tracking.Losses, error)
}

// Style is the managed style.
type Style struct {
	assets   catalogue.Viewer
	memory   Memory
	settings *settingsCache
	gates    *gates
}

var _ style.Tracker = Style{}

// New makes the style. It looks at assets, and goes by what memory holds.
func New(assets catalogue.Viewer, memory Memory) Style {
	return Style{assets: assets, memory: memory, settings: &settingsCache{}, gates: &gates{}}
}

// Name returns "managed".
func (Style) Name() string { return Name }

// Validate checks what an endpoint's settings say together.
func (Style) Validate(ep *endpoint.Endpoint) error {
	if types := ep.Subscription.ChangeTypes; types != 0 && types&event.AssetChanged == 0 {
		return fmt.Errorf("style %s tells changes of assets alone: subscribe to %s", Name, event.AssetChanged)
	}
	_, err := compile(ep)
	return err
}

// JudgesFilter reports that an endpoint's filter is one over the asset as it is
// shown, and not over events: an asset that leaves it is told as deleted.
func (Style) JudgesFilter() bool { return true }

// ChangeTypes returns those of assets.
func (Style) ChangeTypes() event.ChangeType { return event.AssetChanged }

// Key is the asset. What matters of its changes is noted of all of them.
func (Style) Key(e *event.Event) (key debt.Key, noted []byte, ok bool) {
	if e.Object.Kind != event.Asset {
		return "", nil, false
	}
	return keyOf(e.Object.BaseID), noteOf(e).encode(), true
}

// Fold makes one note of what matters of two changes.
func (Style) Fold(known, news []byte) []byte { return fold(known, news) }

// AssetKey is the asset's id, as JSON writes it.
func (Style) AssetKey(asset event.ID) debt.Key { return keyOf(asset) }

func keyOf(asset event.ID) debt.Key { return debt.Key(asset.JSON()) }

// Limits returns the endpoint's batch, 16 MiB of the answer and 100 seconds.
func (Style) Limits(ep *endpoint.Endpoint) style.Limits {
	return style.Limits{
		Batch:  max(1, min(style.Value(ep, batchOption, DefaultBatch), MaxBatch)),
		Answer: maxAnswer, Timeout: DefaultTimeout,
	}
}

// View is how the endpoint is shown assets. It may be one that is not stored, as a
// change of it is tried: no settings are kept of it.
func (Style) View(ep *endpoint.Endpoint) catalogue.View {
	if ep.Subscription.Filter == "" {
		return viewOf(ep, nil)
	}
	filter, err := assetfilter.Compile(ep.Subscription.Filter)
	if err != nil {
		return viewOf(ep, nil) // nor is anything shown to it: it is refused
	}
	return viewOf(ep, filter)
}

// SiftView is View, without any data if there is no filter to apply.
func (s Style) SiftView(ep *endpoint.Endpoint) catalogue.View {
	view := s.View(ep)
	if ep.Subscription.Filter == "" {
		view.Part = catalogue.Bare
	}
	return view
}

// Subject says how an asset is owed; where nothing says otherwise, it is its own item.
func (Style) Subject(asset *catalogue.Asset) debt.Subject {
	item := asset.ItemID
	if item.IsZero() {
		item = asset.ID
	}
	return debt.Subject{Key: keyOf(asset.ID), Object: event.Object{Kind: event.Asset, ItemID: item, BaseID: asset.ID}}
}

// Again owes an asset again, in the background.
func (s Style) Again(ep *endpoint.Endpoint, asset *catalogue.Asset, now time.Time, whatever, gone bool) debt.Change {
	of := s.Subject(asset)
	e := &event.Event{
		Object: of.Object,
		Type:   "AssetMetadataUpdated", ChangeType: event.AssetChanged, Reason: "metadata", Time: now,
	}
	if gone {
		e.Type, e.Reason = "AssetDeleted", "delete"
	}
	return debt.Change{
		Endpoint: ep.ID, Key: of.Key, Event: e, Note: note{whatever: whatever, unnamed: true}.encode(),
		Fold: fold, Background: true, Replayed: !gone,
	}
}
