// Package gateway is the delivery style of nexxOMNIA's Notification Gateway: a
// ping for every reason for which an asset has changed, with who changed it and
// the asset's complete metadata, one reason of one item a request. The form is
// that of https://api.docs.nexx.cloud/notification-gateway.
//
// A ping tells the latest change of its reason. Its data is the asset as the
// catalogue knows it when the ping is made, and so never older than the change.
package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
)

// Name is the style's name.
const Name = "gateway"

// maxAnswer is how much of an answer is read, in bytes; only its status counts.
const maxAnswer = 64 << 10

// contentType is that of a ping.
const contentType = "application/json"

// The style's options. Which reasons are told is the subscription's.
const (
	secretOption    = "gatewaySecret"
	separatorOption = "secretSeparator"
)

// Style is the gateway style.
type Style struct {
	assets catalogue.Reader
}

// New makes the style. It reads in assets what it tells of one.
func New(assets catalogue.Reader) Style { return Style{assets} }

// Name returns "gateway".
func (Style) Name() string { return Name }

// Options returns what makes trigger.secret.
func (Style) Options() []style.Option {
	return []style.Option{
		{
			Name: secretOption, Flag: "gateway-secret", Type: style.String, Secret: true,
			Usage: "sign pings of style gateway with this `SECRET` in trigger.secret; @FILE reads it from a file",
		},
		{
			Name: separatorOption, Flag: "secret-separator", Type: style.String,
			Usage: "`TEXT` that joins item.ID, created, sent and the secret before they are hashed (default none)",
		},
	}
}

// Validate wants assets to be subscribed to, for nothing else is told.
func (Style) Validate(ep *endpoint.Endpoint) error {
	if types := ep.Subscription.ChangeTypes; types != 0 && types&event.AssetChanged == 0 {
		return fmt.Errorf("style %s tells changes of assets alone: subscribe to %s", Name, event.AssetChanged)
	}
	return nil
}

// Debounce returns 0: every change is told at once. While the receiver can't be
// reached, changes of one reason merge all the same.
func (Style) Debounce() time.Duration { return 0 }

// ChangeTypes returns those of assets: only media items are pinged about.
func (Style) ChangeTypes() event.ChangeType { return event.AssetChanged }

// Key is the reason and the item.
func (Style) Key(e *event.Event) (key debt.Key, note []byte, ok bool) {
	if e.Object.Kind != event.Asset || e.Reason == "" {
		return "", nil, false
	}
	// A reason has letters alone, and an id's text begins with none.
	return debt.Key(e.Reason + e.Object.ItemID.JSON()), noteOf(e).encode(), true
}

// Limits returns one debt a request and 64 KiB of the answer.
func (Style) Limits(*endpoint.Endpoint) style.Limits {
	return style.Limits{Batch: 1, Answer: maxAnswer, Timeout: endpoint.DefaultTimeout.Std()}
}

// Compose makes the ping of one debt, sent at now.
func (s Style) Compose(ctx context.Context, ep *endpoint.Endpoint, debts []debt.Debt, now time.Time) (style.Message, error) {
	if len(debts) != 1 {
		return style.Message{}, fmt.Errorf("compose ping: %d debts, want 1", len(debts))
	}
	d := &debts[0]
	r, err := s.compose(ctx, ep, d, now)
	if err != nil {
		return style.Message{}, fmt.Errorf("compose ping: %w", err)
	}
	return style.Told(r), nil
}

func (s Style) compose(ctx context.Context, ep *endpoint.Endpoint, d *debt.Debt, now time.Time) (attempt.Request, error) {
	if d.Object.Kind != event.Asset || d.Reason == "" {
		// It was owed before the endpoint was given this style.
		return attempt.Request{}, fmt.Errorf("%s is no asset that has changed for a reason", d.Object)
	}
	n, err := decodeNote(d.Note)
	if err != nil {
		return attempt.Request{}, err
	}
	data, err := s.data(ctx, d, n)
	if err != nil {
		return attempt.Request{}, err
	}
	body, err := newPing(ep, d, n, data, now).encode()
	return attempt.Request{ID: messageID(d, data), ContentType: contentType, Body: body}, err
}

// messageID is the webhook-id: the same for as long as the ping tells the same. The
// debt alone does not say that, as each attempt tells the asset as it is known by then,
// and changes for other reasons make no other debt of this one: a receiver that passes
// over what it has had already must not pass over the asset as it is now. What is of the
// attempt alone, the time and the secret, is no part of it.
func messageID(d *debt.Debt, data json.RawMessage) string {
	sum := sha256.Sum256(data)
	return d.MessageID() + "_" + hex.EncodeToString(sum[:8])
}

// data returns the asset as it is known now, or what the change says of it.
func (s Style) data(ctx context.Context, d *debt.Debt, n note) (json.RawMessage, error) {
	assets, err := s.assets.Assets(ctx, []event.ID{d.Object.BaseID})
	if err != nil {
		return nil, fmt.Errorf("read asset %s: %w", d.Object.BaseID, err)
	}
	switch {
	case len(assets) == 0 || assets[0].Data == nil:
		return known(d.Object, n)
	case tellsExports(d.Reason):
		return assets[0].Data, nil
	default:
		return without(assets[0].Data, exportsMember)
	}
}

// Sample pings of item 0, which no DAM has.
func (Style) Sample(ep *endpoint.Endpoint, now time.Time) (style.Message, error) {
	nothing := debt.Debt{
		Object: event.Object{Kind: event.Asset, ItemID: event.IntID(0), BaseID: event.IntID(0)},
		Reason: "metadata", ChangeTime: now,
	}
	data, err := known(nothing.Object, note{})
	if err != nil {
		return style.Message{}, fmt.Errorf("compose ping: %w", err)
	}
	body, err := newPing(ep, &nothing, note{}, data, now).encode()
	if err != nil {
		return style.Message{}, fmt.Errorf("compose ping: %w", err)
	}
	r := attempt.Request{ContentType: contentType, Body: body}
	style.MarkTest(&r, now)
	return style.Told(r), nil
}
