// Package notify is the delivery style of Digizuite's Integration Service (DC
// 5.3): a debounced notification that something of a certain type has changed,
// one item a request. Which event it was is not told: AssetCreated and
// AssetDeleted make the same notification.
package notify

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
)

// Name is the style's name.
const Name = "notify"

// maxAnswer is how much of an answer is read, in bytes; only its status counts.
const maxAnswer = 64 << 10

// The forms of the second id's name.
const (
	idNameOption = "idName"
	specific     = "specific" // AssetId, MetafieldId, …: DC 5.3.1
	base         = "base"     // BaseId: DC 5.3.2 and later
)

// Style is the notify style. Its zero value is ready.
type Style struct{}

// Name returns "notify".
func (Style) Name() string { return Name }

// Options returns idName.
func (Style) Options() []style.Option {
	return []style.Option{{
		Name: idNameOption, Flag: "id-name", Type: style.String, Default: base, Values: []string{specific, base},
		Usage: "name of the second id: specific (AssetId, MetafieldId, TreeValueId, ComboValueId; DC 5.3.1) or base (BaseId; DC 5.3.2 and later)",
	}}
}

// Validate finds nothing that the declaration of the options does not say.
func (Style) Validate(*endpoint.Endpoint) error { return nil }

// Key is the change type and the item.
func (Style) Key(e *event.Event) (key debt.Key, note []byte, ok bool) {
	return debt.Key(string(rune(e.ChangeType)) + e.Object.ItemID.JSON()), nil, true
}

// Limits returns one debt a request and 64 KiB of the answer.
func (Style) Limits(*endpoint.Endpoint) style.Limits {
	return style.Limits{Batch: 1, Answer: maxAnswer, Timeout: endpoint.DefaultTimeout.Std()}
}

// Compose makes {"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}.
func (Style) Compose(_ context.Context, ep *endpoint.Endpoint, debts []debt.Debt, _ time.Time) (style.Message, error) {
	if len(debts) != 1 {
		return style.Message{}, fmt.Errorf("compose notification: %d debts, want 1", len(debts))
	}
	d := &debts[0]
	return style.Told(attempt.Request{ID: d.MessageID(), ContentType: "application/json", Body: compose(ep, d.ChangeType, d.Object)}), nil
}

// compose writes the body in one allocation, for it is done once a request.
func compose(ep *endpoint.Endpoint, changeType event.ChangeType, object event.Object) []byte {
	const frame = `{"ChangeType":255,"Data":{"ItemId":null,"":null}}`
	name := idName(ep, object.Kind)
	body := make([]byte, 0, len(frame)+len(object.ItemID.JSON())+len(name)+len(object.BaseID.JSON()))
	body = append(body, `{"ChangeType":`...)
	body = strconv.AppendUint(body, uint64(changeType), 10)
	body = append(body, `,"Data":{"ItemId":`...)
	body = appendID(body, object.ItemID)
	body = append(body, `,"`...)
	body = append(body, name...)
	body = append(body, `":`...)
	body = appendID(body, object.BaseID)
	return append(body, `}}`...)
}

// appendID writes an id as it came in. json.Marshal would escape <, > and & in
// it.
func appendID(body []byte, id event.ID) []byte {
	if id.IsZero() {
		return append(body, `null`...)
	}
	return append(body, id.JSON()...)
}

// idName returns the name of the second id.
func idName(ep *endpoint.Endpoint, kind event.Kind) string {
	if !isSpecific(ep) {
		return "BaseId"
	}
	switch kind {
	case event.Metafield:
		return "MetafieldId"
	case event.TreeValue:
		return "TreeValueId"
	case event.ComboValue:
		return "ComboValueId"
	default:
		return "AssetId"
	}
}

// isSpecific reads the option. As it is commonly written it is compared, and not
// decoded again for every request.
func isSpecific(ep *endpoint.Endpoint) bool {
	switch string(ep.Options[idNameOption]) {
	case "", `"` + base + `"`:
		return false
	case `"` + specific + `"`:
		return true
	default:
		return style.Value(ep, idNameOption, base) == specific
	}
}

// Sample notifies of item 0, which no DAM has.
func (Style) Sample(ep *endpoint.Endpoint, now time.Time) (style.Message, error) {
	object := event.Object{Kind: event.Asset, ItemID: event.IntID(0), BaseID: event.IntID(0)}
	r := attempt.Request{ContentType: "application/json", Body: compose(ep, event.AssetChanged, object)}
	style.MarkTest(&r, now)
	return style.Told(r), nil
}
