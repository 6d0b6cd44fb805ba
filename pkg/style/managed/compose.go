package managed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// draft is a message in the making.
type draft struct {
	ep       *endpoint.Endpoint
	tellings []telling // one a debt
}

// Compose tells each debt's asset as the catalogue shows it now.
func (s Style) Compose(ctx context.Context, ep *endpoint.Endpoint, debts []debt.Debt, now time.Time) (style.Message, error) {
	set, err := s.settings.of(ep)
	if err != nil {
		return style.Message{}, err
	}
	m := &draft{ep: ep, tellings: make([]telling, len(debts))}
	if err := s.look(ctx, set, m, debts); err != nil {
		return style.Message{}, err
	}
	through, err := s.guard(ctx, ep, set, m, now)
	if err != nil {
		return style.Message{}, err
	}
	body, sent := m.encode(set)
	message := style.Message{Apart: m.apart(), Creates: m.creates(), Read: m.read, Passage: through}
	if sent > 0 {
		message.Request = attempt.Request{ID: m.id(), ContentType: "application/json", Body: body, Secrets: set.secrets, Recycle: recycling(body)}
	}
	return message, nil
}

// look judges the asset of each debt, until there is enough for a request: what
// it has no room for is not looked at. The catalogue's data is held for a part of
// the debts at a time, of some 4 MiB.
func (s Style) look(ctx context.Context, set *settings, m *draft, debts []debt.Debt) error {
	for i := range debts {
		m.tellings[i].debt = &debts[i]
	}
	size := 0
	for begin := 0; begin < len(debts); {
		if size > maxBody {
			for i := begin; i < len(debts); i++ {
				m.tellings[i].apart = &noRoom
			}
			return nil
		}
		end := min(begin+set.sizes.part(), len(debts))
		if err := s.lookAt(ctx, set, m, begin, end); err != nil {
			return err
		}
		for i := begin; i < end; i++ {
			if m.tellings[i].isSent() {
				size += len(m.tellings[i].sent)
			}
		}
		begin = end
	}
	return nil
}

// lookAt judges the assets of the debts from begin to end.
func (s Style) lookAt(ctx context.Context, set *settings, m *draft, begin, end int) error {
	ids := make([]event.ID, end-begin)
	for i := range ids {
		ids[i] = m.tellings[begin+i].debt.Object.BaseID
	}
	shown, err := s.assets.Look(ctx, set.view, ids)
	if err != nil {
		return fmt.Errorf("look at assets: %w", err)
	}
	set.sizes.note(shown)
	tracked, err := s.memory.Tracked(ctx, m.ep.ID, ids)
	if err != nil {
		return err
	}
	for i := range ids {
		t := &m.tellings[begin+i]
		if len(tracked) > 0 && tracked[0].ID == ids[i] { // they are in the order of ids
			t.known, tracked = &tracked[0], tracked[1:]
		}
		if t.debt.Object.Kind != event.Asset {
			t.refuse(fmt.Errorf("%s is no asset: it was owed before the endpoint got this style", t.debt.Object))
			continue
		}
		t.decide(set, &shown[i])
	}
	return nil
}

// noRoom is the outcome of a debt that the request has no room for.
var noRoom = attempt.Outcome{Verdict: attempt.Aborted}

// apart returns the outcomes of debts that the request does not tell; nil if it
// tells them all.
func (m *draft) apart() []attempt.Outcome {
	var apart []attempt.Outcome
	for i := range m.tellings {
		if m.tellings[i].isSent() {
			continue
		}
		if apart == nil {
			apart = make([]attempt.Outcome, len(m.tellings))
		}
		apart[i] = *m.tellings[i].apart
	}
	return apart
}

// creates returns the debts of assets that the endpoint is not known to have.
func (m *draft) creates() (creates []int) {
	for i := range m.tellings {
		if t := &m.tellings[i]; t.isSent() && t.action == style.Create {
			creates = append(creates, i)
		}
	}
	return creates
}

// id is the webhook-id: the same for as long as the request tells the same, and never
// that of another. The debts alone do not say that, as each attempt tells what the
// catalogue shows by then: a receiver that passes over what it has had already must
// not take a deletion for the creation that was tried before.
func (m *draft) id() string {
	var only *debt.Debt
	all, n := sha256.New(), 0
	// The configuration is not looked at: an id is no secret.
	buf := append(strconv.AppendInt(make([]byte, 0, 512), m.ep.Updated.UnixNano(), 10), '\n')
	all.Write(buf)
	for i := range m.tellings {
		if t := &m.tellings[i]; t.isSent() {
			only = t.debt
			n++
			buf = t.appendIdentity(buf[:0])
			all.Write(buf)
		}
	}
	sum := all.Sum(nil)
	if n == 1 {
		return only.MessageID() + "_" + hex.EncodeToString(sum[:8])
	}
	return "msg_" + hex.EncodeToString(sum[:16])
}

// appendIdentity writes what tells an action apart from others. What changes by itself is
// no part of it.
func (t *telling) appendIdentity(buf []byte) []byte {
	var state tracking.State
	if t.known != nil {
		state = t.known.State
	}
	buf = append(t.debt.AppendMessageID(buf), ' ')
	buf = append(strconv.AppendBool(buf, t.action == style.Delete), ' ')
	buf = append(hex.AppendEncode(buf, t.digest[:]), ' ')
	buf = append(strconv.AppendBool(buf, state.Given), ' ')
	buf = append(strconv.AppendInt(buf, int64(len(state.Text)), 10), '\n')
	return append(buf, state.Text...)
}
