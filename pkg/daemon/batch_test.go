package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// batching is a style that tells many items a request, as a list of their ids, and
// divides a request that is answered 500.
type batching struct {
	notify.Style
	limit atomic.Int64

	mu       sync.Mutex
	compose  func(debts []debt.Debt) ([]attempt.Outcome, error) // what it sets apart; nil: nothing
	composed int
}

func newBatching(limit int) *batching {
	s := &batching{}
	s.limit.Store(int64(limit))
	return s
}

func (s *batching) Name() string { return "batch" }

func (s *batching) Limits(*endpoint.Endpoint) style.Limits {
	return style.Limits{Batch: int(s.limit.Load()), Answer: 1 << 10, Timeout: time.Minute}
}

// does sets what composing comes to.
func (s *batching) does(compose func(debts []debt.Debt) ([]attempt.Outcome, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compose = compose
}

func (s *batching) Compose(_ context.Context, _ *endpoint.Endpoint, debts []debt.Debt, _ time.Time) (style.Message, error) {
	s.mu.Lock()
	compose := s.compose
	s.composed++
	s.mu.Unlock()
	var m style.Message
	if compose != nil {
		var err error
		if m.Apart, err = compose(debts); err != nil {
			return m, err
		}
	}
	ids := []json.RawMessage{}
	for i := range debts {
		if len(m.Apart) == 0 || m.Apart[i].Verdict == 0 {
			ids = append(ids, json.RawMessage(debts[i].Object.ItemID.JSON()))
		}
	}
	body, err := json.Marshal(ids)
	m.Request = attempt.Request{ID: debts[0].MessageID(), ContentType: "application/json", Body: body}
	m.Read = func(_ attempt.Answer, sent attempt.Outcome) style.Reading {
		r := style.Reading{Outcome: sent, Debts: make([]style.Result, len(debts)), Divide: sent.Status == http.StatusInternalServerError}
		for i := range r.Debts {
			r.Debts[i].Outcome = sent
		}
		return r
	}
	return m, err
}

// batchReceiver knows what it was told, and what would make it fail.
type batchReceiver struct {
	*bubble
	style *batching

	mu       sync.Mutex
	poison   map[int]bool
	answer   func(r dztest.Request, told []int) *dztest.Answer // nil: by poison alone
	told     map[int]int                                       // how often each was taken
	requests [][]int
}

// inBatches runs a test with a daemon that tells an endpoint many items a request,
// one request at a time unless change says otherwise.
func inBatches(t *testing.T, limit int, test func(r *batchReceiver), change ...func(*endpoint.Endpoint)) {
	t.Helper()
	r := &batchReceiver{style: newBatching(limit), poison: make(map[int]bool), told: make(map[int]int)}
	inBubbleWith(t, func(b *bubble) {
		r.bubble = b
		var err error
		if b.styles, err = style.NewSet(r.style); err != nil {
			b.Fatal(err)
		}
		b.receiver.AnswerWith(r.receive)
	}, func(b *bubble) {
		b.add("pim", append([]func(*endpoint.Endpoint){debounce(time.Second), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Concurrency = "batch", 1
		}}, change...)...)
		test(r)
		r.atRest()
	})
}

func slots(n int) func(*endpoint.Endpoint) {
	return func(ep *endpoint.Endpoint) { ep.Concurrency = n }
}

func (r *batchReceiver) receive(request dztest.Request) dztest.Answer {
	var told []int
	if err := json.Unmarshal([]byte(request.Body), &told); err != nil {
		r.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, told)
	answer := dztest.Answer{}
	if r.answer != nil {
		if a := r.answer(request, told); a != nil {
			answer = *a
		}
	}
	if answer.Status == 0 && slices.ContainsFunc(told, func(item int) bool { return r.poison[item] }) {
		answer.Status = http.StatusInternalServerError
	}
	if answer.Status == 0 && !answer.HangUp {
		for _, item := range told {
			r.told[item]++
		}
	}
	return answer
}

// answers sets how requests are answered from now on; nil leaves it to poison.
func (r *batchReceiver) answers(answer func(request dztest.Request, told []int) *dztest.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *batchReceiver) poisons(items ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.poison)
	for _, item := range items {
		r.poison[item] = true
	}
}

// count returns how many requests came so far.
func (r *batchReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

// wantTold fails the test if not exactly these items were taken, once each.
func (r *batchReceiver) wantTold(when string, items ...int) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var missing, twice []int
	for _, item := range items {
		switch r.told[item] {
		case 0:
			missing = append(missing, item)
		case 1:
		default:
			twice = append(twice, item)
		}
	}
	if len(missing) > 0 || len(twice) > 0 || len(r.told) != len(items) {
		r.Errorf("%s: %d items were taken, want %d; not %v, more than once %v", when, len(r.told), len(items), few(missing), few(twice))
	}
}

// few returns the first items of a list, to be shown.
func few(items []int) []int { return items[:min(len(items), 10)] }

// wantFailures fails the test if not exactly these items are failures.
func (r *batchReceiver) wantFailures(when string, items ...int) []debt.Failure {
	r.Helper()
	failures, _, err := r.daemon.store.Failures(r.Context(), debt.Selection{}, "", 1000)
	if err != nil {
		r.Fatal(err)
	}
	var got []int
	for _, f := range failures {
		var item int
		if err := json.Unmarshal([]byte(f.Object.ItemID.JSON()), &item); err != nil {
			r.Fatal(err)
		}
		got = append(got, item)
	}
	slices.Sort(got)
	if !slices.Equal(got, items) {
		r.Errorf("%s: failures are %v, want %v", when, got, items)
	}
	return failures
}

func (r *batchReceiver) counts() store.Counts {
	r.Helper()
	stats, err := r.daemon.store.Stats(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return stats.Total
}

func (r *batchReceiver) lane() *lane {
	r.Helper()
	l, err := r.daemon.registry.byName("pim")
	if err != nil {
		r.Fatal(err)
	}
	return l
}

// atRest fails the test if a lane at rest holds anything: whatever changes now is
// told, too.
func (r *batchReceiver) atRest() {
	r.Helper()
	l, err := r.daemon.registry.byName("pim")
	if err != nil {
		return // removed
	}
	l.mu.Lock()
	running, background, unsettled, outcomes := l.running, l.background, l.unsettled, len(l.outcomes)
	l.mu.Unlock()
	if running != 0 || background != 0 || unsettled != 0 || outcomes != 0 || len(l.dividing) != 0 {
		r.Errorf("at rest: %d running, %d in the background, %d not durable, %d to settle", running, background, unsettled, outcomes)
	}
	if l.settings.Load().ep.Enabled && l.getHealth().State(true) == endpoint.Healthy {
		r.poisons()
		r.answers(nil)
		r.style.does(nil)
		r.mu.Lock()
		all := make([]int, 0, len(r.told))
		for item := range r.told {
			all = append(all, item)
		}
		clear(r.told)
		r.mu.Unlock()
		r.change(all...)
		r.wait(time.Hour)
		for _, item := range all {
			if r.told[item] == 0 {
				r.Errorf("item %d changes in the end, and is not told", item)
			}
		}
	}
}

// owe owes items in the background.
func (r *batchReceiver) owe(items ...int) {
	r.Helper()
	all, err := r.daemon.store.Endpoints(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	in := store.Ingest{Source: "resync", Now: time.Now(), Revision: all.Revision, Replayed: true}
	for _, item := range items {
		e, err := event.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"r%d","source":"/test","type":"AssetMetadataUpdated","data":{"itemId":%d}}`, item, item))
		if err != nil {
			r.Fatal(err)
		}
		key, _, _ := r.style.Key(&e)
		in.Changes = append(in.Changes, debt.Change{Endpoint: all.List[0].ID, Key: key, Event: &e, Background: true})
	}
	done, err := r.daemon.store.Ingest(r.Context(), in)
	if err != nil {
		r.Fatal(err)
	}
	r.daemon.registry.wake(done.Due)
}
