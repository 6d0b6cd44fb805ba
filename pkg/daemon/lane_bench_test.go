package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// backlogged is a store that owes a number of debts, and a receiver that takes
// them at once.
type backlogged struct {
	mu       sync.Mutex
	owed     []debt.Debt
	settled  map[uint64]bool // by generation, the number of the debt
	first    int             // that is not settled
	requests int
	done     chan struct{}
}

func newBacklogged(n int) *backlogged {
	s := &backlogged{settled: make(map[uint64]bool), done: make(chan struct{})}
	for i := range n {
		id := event.IntID(int64(i))
		s.owed = append(s.owed, debt.Debt{
			Key: debt.Key(id.JSON()), Generation: uint64(i), Count: 1, Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id},
		})
	}
	return s
}

func (s *backlogged) Claim(_ context.Context, r store.ClaimRequest) (c store.Claim, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := s.first; i < len(s.owed); i++ {
		d := &s.owed[i]
		if len(c.Debts) == r.Limit {
			c.Next = r.Now
			break
		}
		if !s.settled[d.Generation] && !r.Busy(d.Object) {
			c.Debts = append(c.Debts, *d)
		}
	}
	return c, nil
}

func (s *backlogged) Settle(_ context.Context, _ uint64, attempts []store.Attempt) ([]store.Settled, error) {
	settled := make([]store.Settled, len(attempts))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range attempts {
		settled[i].Debts = make([]store.SettledDebt, len(attempts[i].Debts))
		for _, one := range attempts[i].Debts {
			s.settled[one.Generation] = true
		}
	}
	for s.first < len(s.owed) && s.settled[uint64(s.first)] {
		delete(s.settled, uint64(s.first))
		s.first++
	}
	if s.first == len(s.owed) {
		close(s.done)
	}
	return settled, nil
}

func (*backlogged) Hasten(context.Context, uint64, time.Time) (uint64, error) { return 0, nil }

func (s *backlogged) Send(context.Context, *endpoint.Endpoint, attempt.Request, deliver.Limits) (attempt.Answer, attempt.Outcome) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	return attempt.Answer{}, attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200}
}

func (*backlogged) Forget(uint64) {}

// BenchmarkLane is what a lane adds to each debt, beside its store, its style and
// the network. A debt of a backlog must not wait for its request to fill.
func BenchmarkLane(b *testing.B) {
	for _, batch := range []int{1, 200} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s := newBacklogged(b.N)
			l := &lane{
				store: s, sender: s, now: time.Now, log: slog.New(slog.DiscardHandler),
				wakeUp: make(chan struct{}, 1), hurry: make(chan struct{}, 1), dividing: make(chan struct{}, 1),
				observe: func(settlement) {}, measure: func(attempt.Outcome, time.Duration) {},
			}
			st := newBatching(batch)
			st.does(func([]debt.Debt) ([]attempt.Outcome, error) { return nil, nil })
			l.set(newLaneSettings(endpoint.Endpoint{ID: 1, Name: "pim", Enabled: true, Concurrency: 8}, st, endpoint.DefaultWindow()))
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan struct{})
			b.ReportAllocs()
			b.ResetTimer()
			go func() { defer close(ended); l.run(ctx, b.Context()) }()
			<-s.done
			b.StopTimer()
			stop()
			<-ended
			b.ReportMetric(float64(b.N)/float64(s.requests), "debts/request")
		})
	}
}
