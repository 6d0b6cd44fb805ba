package managed

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
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
	body = append(bodyOf(m.bodySize(s)), `{"actions":[`...)
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

// bodySize is for how many bytes to make room at once: as many as the body has, but for
// control characters in states, and as the hash of the last state needs.
func (m *draft) bodySize(s *settings) int {
	size, longest := len(s.configuration)+2*len(s.tenant)+64, 0
	for i := range m.tellings {
		t := &m.tellings[i]
		if !t.isSent() {
			continue
		}
		size += len(t.sent) + actionSize + len(t.id().JSON())
		if t.known != nil {
			text := t.known.State.Text
			size += len(text) + strings.Count(text, `"`) + strings.Count(text, `\`)
			longest = max(longest, len(text))
		}
	}
	return min(size+longest, maxBody+maxBody/8)
}

// actionSize is how long an action is at most, beside asset, state and id.
const actionSize = len(`,{"type":"sync","asset":,"integrationState":"","assetStateHash":"","assetId":}`) + 2*sha256.Size

// bodies are those of requests that were sent.
var bodies sync.Pool // of *[]byte

// maxRecycled bounds a body that is used again, in bytes.
const maxRecycled = 1 << 20

// bodyOf returns room for a body of that size; what it makes is larger, so that it may do
// for the next ones too.
func bodyOf(size int) []byte {
	if used, ok := bodies.Get().(*[]byte); ok && cap(*used) >= size {
		return (*used)[:0]
	}
	return make([]byte, 0, max(size, min(size+size/4, maxRecycled)))
}

// recycling has a body used again when it has been sent; nil if it is not worth it.
func recycling(body []byte) func() {
	if cap(body) > maxRecycled {
		return nil
	}
	return func() { bodies.Put(&body) }
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
