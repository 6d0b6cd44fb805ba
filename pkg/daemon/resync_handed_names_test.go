package daemon

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// namesSettled notes under which names what was handed on is settled.
type namesSettled struct {
	store.Engine

	mu    sync.Mutex
	names map[debt.ID]debt.Key
	twice int
}

func (n *namesSettled) Settle(ctx context.Context, id uint64, attempts []store.Attempt) ([]store.Settled, error) {
	n.mu.Lock()
	for _, a := range attempts {
		for i := range a.Debts {
			s := &a.Debts[i]
			if s.Handed.IsZero() {
				continue
			}
			if key, ok := n.names[s.ID]; ok && key != s.Key {
				n.twice++
			}
			n.names[s.ID] = s.Key
		}
	}
	n.mu.Unlock()
	return n.Engine.Settle(ctx, id, attempts)
}

// No two assets that are handed on have one name, in one job or in two.
func TestWhatIsHandedOnHasNamesOfItsOwn(t *testing.T) {
	names := &namesSettled{names: make(map[debt.ID]debt.Key)}
	inBubbleWith(t, func(b *bubble) {
		b.wrap = func(e store.Engine) store.Engine { names.Engine = e; return names }
	}, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 3500)
		for range 2 {
			b.begin("shop")
			b.wait(time.Hour)
		}
		if len(names.names) != 7000 || names.twice > 0 {
			b.Errorf("%d names, %d of which are of two assets; want 7000", len(names.names), names.twice)
		}
	})
}

func TestWhatIsOwedIsNotHandedOnToo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.add("shop", debounce(10*time.Minute), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
		})
		b.tracks("shop", 1500)
		b.knows("new", 5, 5)
		b.knows("new", 7, 7)
		b.change(5, 7)
		b.wait(time.Second)
		b.begin("shop")
		b.wait(time.Hour)
		if others := b.once("shop", 1500); len(others) > 0 {
			b.Errorf("not told once: %v", others)
		}
	})
}
