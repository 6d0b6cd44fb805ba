package gateway

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/style"
)

// ping is the body of a request. Receivers are known that decode it into typed
// members, so names, types and order are the gateway's own.
type ping struct {
	Trigger trigger         `json:"trigger"`
	Item    item            `json:"item"`
	Data    json.RawMessage `json:"data"`
}

// trigger is what happened. The times are whole Unix seconds.
type trigger struct {
	Event   string          `json:"event"`            // the reason
	User    json.RawMessage `json:"user"`             // a string, or 0
	Session json.RawMessage `json:"session"`          // a string, or 0
	Created int64           `json:"created"`          // of the change
	Sent    int64           `json:"sent"`             // of the attempt
	Secret  string          `json:"secret,omitempty"` // of this attempt
}

// item is what it happened to.
type item struct {
	ID         json.RawMessage `json:"ID"`  // a string
	GID        json.RawMessage `json:"GID"` // a number
	RefNr      string          `json:"refnr"`
	Domain     json.RawMessage `json:"domain"` // a number
	StreamType string          `json:"streamtype"`
}

// newPing makes the ping of a debt's latest change, sent at sent. Its secret
// holds for this attempt alone.
func newPing(ep *endpoint.Endpoint, d *debt.Debt, n note, data json.RawMessage, sent time.Time) *ping {
	changed := d.ChangeTime
	if changed.IsZero() {
		changed = d.LastSeen // the DAM did not say
	}
	p := &ping{
		Trigger: trigger{
			Event: d.Reason, User: stringOrZero(n.user), Session: stringOrZero(n.session),
			Created: changed.Unix(), Sent: sent.Unix(),
		},
		Item: item{
			ID: text(d.Object.ItemID), GID: number(d.Object.BaseID), RefNr: n.refNr,
			Domain: number(n.domain), StreamType: n.streamType,
		},
		Data: data,
	}
	if secret := style.Value(ep, secretOption, ""); secret != "" {
		p.Trigger.Secret = signature.GatewaySecret(d.Object.ItemID.String(), p.Trigger.Created, p.Trigger.Sent,
			secret, style.Value(ep, separatorOption, ""))
	}
	return p
}

func (p *ping) encode() ([]byte, error) { return encode(p) }

// encode writes JSON without white space, and with <, > and & as they are.
func encode(v any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

var zero = json.RawMessage("0")

// text returns an id as a JSON string.
func text(id event.ID) json.RawMessage {
	if id.IsString() {
		return json.RawMessage(id.JSON())
	}
	return json.RawMessage(`"` + id.JSON() + `"`)
}

// stringOrZero returns an id as a JSON string, or the number 0 for nobody.
func stringOrZero(id event.ID) json.RawMessage {
	if n, ok := integer(id); id.IsZero() || ok && n == "0" {
		return zero
	}
	return text(id)
}

// number returns an id as a JSON number, 0 if it is no integer.
func number(id event.ID) json.RawMessage {
	if n, ok := integer(id); ok {
		return json.RawMessage(n)
	}
	return zero
}

// integer returns the digits of an id that is an integer, or a string of one:
// DAMs write numbers both ways.
func integer(id event.ID) (digits string, ok bool) {
	if id.IsZero() {
		return "", false
	}
	n, err := event.ParseID(id.String())
	if err != nil || n.IsString() {
		return "", false
	}
	return n.JSON(), true
}
