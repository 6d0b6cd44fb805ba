package managed

import (
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/rawjson"
	"github.com/dam-delivery/dz/pkg/style"
)

// A request is
//
//	{"actions":[{"type":"sync","asset":{…},"integrationState":"…","assetStateHash":"…","assetId":16}],
//	 "configuration":{…},"tenantId":"…"}
//
// as KeyShot Dock writes it. type is sync or delete; asset is null on delete;
// integrationState is the state that the integration gave, a string of JSON, and
// assetStateHash its lower-case hex SHA-256, both null without one; configuration
// is null without one.

// encode writes the body, and returns how many debts it tells. Those it has no room
// for are still due.
func (m *draft) encode(s *settings) (body []byte, told int) {
	size := len(s.configuration) + 256
	for i := range m.tellings {
		if t := &m.tellings[i]; t.isSent() {
			size += len(t.sent) + 192
			if t.known != nil {
				size += len(t.known.State.Text) * 9 / 8
			}
		}
	}
	body = append(make([]byte, 0, min(size, maxBody+maxBody/8)), `{"actions":[`...)
	for i := range m.tellings {
		t := &m.tellings[i]
		if !t.isSent() {
			continue
		}
		end := len(body)
		if told > 0 {
			body = append(body, ',')
		}
		if body = t.append(body); told > 0 && len(body) > maxBody {
			body = body[:end]
			t.apart = &noRoom
			continue
		}
		told++
	}
	return appendFrame(body, s.configuration, s.tenant), told
}

// appendFrame writes what is behind the actions.
func appendFrame(body []byte, configuration json.RawMessage, tenant string) []byte {
	body = append(append(body, `],"configuration":`...), configuration...)
	body = rawjson.AppendString(append(body, `,"tenantId":`...), []byte(tenant))
	return append(body, '}')
}

func (t *telling) append(body []byte) []byte {
	if t.action == style.Delete {
		body = append(body, `{"type":"delete","asset":null`...)
	} else {
		body = append(append(body, `{"type":"sync","asset":`...), t.sent...)
	}
	body = append(append(t.appendState(body), `,"assetId":`...), t.id().JSON()...)
	return append(body, '}')
}

// appendState writes what the integration gave when it was last told.
func (t *telling) appendState(body []byte) []byte {
	if t.known == nil || !t.known.State.Given {
		return append(body, `,"integrationState":null,"assetStateHash":null`...)
	}
	state := t.known.State
	body = rawjson.AppendString(append(body, `,"integrationState":`...), []byte(state.Text))
	return append(state.AppendHash(append(body, `,"assetStateHash":"`...)), '"')
}

func (t *telling) id() event.ID { return t.debt.Object.BaseID }

// Sample tells nothing, in a request that has everything else.
func (s Style) Sample(ep *endpoint.Endpoint, now time.Time) (style.Message, error) {
	set, err := s.settings.of(ep)
	if err != nil {
		return style.Message{}, err
	}
	m := &draft{ep: ep}
	r := attempt.Request{
		ContentType: "application/json", Secrets: set.secrets,
		Body:  appendFrame([]byte(`{"actions":[`), set.configuration, set.tenant),
		Shown: appendFrame([]byte(`{"actions":[`), set.masked, set.tenant),
	}
	style.MarkTest(&r, now)
	return style.Message{Request: r, Read: m.read}, nil
}
