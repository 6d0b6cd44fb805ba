// Package notify is the delivery style of Digizuite's Integration Service (DC
// 5.3): a debounced notification that something of a certain type has changed,
// one item a request. Which event it was is not told: AssetCreated and
// AssetDeleted make the same notification.
package notify

import (
	"fmt"
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
func (Style) Compose(ep *endpoint.Endpoint, debts []debt.Debt, _ time.Time) (attempt.Request, error) {
	if len(debts) != 1 {
		return attempt.Request{}, fmt.Errorf("compose notification: %d debts, want 1", len(debts))
	}
	d := &debts[0]
	body, err := compose(ep, d.ChangeType, d.Object)
	if err != nil {
		return attempt.Request{}, err
	}
	return attempt.Request{ID: d.MessageID(), ContentType: "application/json", Body: body}, nil
}

func compose(ep *endpoint.Endpoint, changeType event.ChangeType, object event.Object) ([]byte, error) {
	// Not json.Marshal, which would escape <, > and & in an id.
	itemID, err := object.ItemID.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("compose notification: %w", err)
	}
	baseID, err := object.BaseID.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("compose notification: %w", err)
	}
	return fmt.Appendf(nil, `{"ChangeType":%d,"Data":{"ItemId":%s,%q:%s}}`,
		uint8(changeType), itemID, idName(ep, object.Kind), baseID), nil
}

// idName returns the name of the second id.
func idName(ep *endpoint.Endpoint, kind event.Kind) string {
	if style.Value(ep, idNameOption, base) == base {
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

// Interpret goes by the status alone.
func (Style) Interpret(_ *endpoint.Endpoint, debts []debt.Debt, _ attempt.Answer, sent attempt.Outcome) []attempt.Outcome {
	outcomes := make([]attempt.Outcome, len(debts))
	for i := range outcomes {
		outcomes[i] = sent
	}
	return outcomes
}

// Sample notifies of item 0, which no DAM has.
func (Style) Sample(ep *endpoint.Endpoint, now time.Time) (attempt.Request, error) {
	object := event.Object{Kind: event.Asset, ItemID: event.IntID(0), BaseID: event.IntID(0)}
	body, err := compose(ep, event.AssetChanged, object)
	if err != nil {
		return attempt.Request{}, err
	}
	r := attempt.Request{ContentType: "application/json", Body: body}
	style.MarkTest(&r, now)
	return r, nil
}
