package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// heard is what the consumer of a stream was told.
type heard[T any] struct {
	mu    sync.Mutex
	lines []api.Line[T]
	ended chan error
	end   context.CancelFunc
}

// hear consumes a stream until end.
func hear[T any](b *bubble, run func(context.Context, func(api.Line[T]) error) error) *heard[T] {
	ctx, cancel := context.WithCancel(b.Context())
	h := &heard[T]{ended: make(chan error, 1), end: cancel}
	go func() {
		h.ended <- run(ctx, func(line api.Line[T]) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.lines = append(h.lines, line)
			return nil
		})
	}()
	synctest.Wait()
	return h
}

// stop ends the stream as a client does that goes.
func (h *heard[T]) stop(b *bubble) {
	b.Helper()
	h.end()
	if err := <-h.ended; !errors.Is(err, context.Canceled) {
		b.Errorf("the stream ended with %v", err)
	}
}

func (h *heard[T]) items() (items []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		if line.Item != nil {
			items = append(items, *line.Item)
		}
	}
	return items
}

func (b *bubble) tail(query api.TailQuery) *heard[api.Event] {
	return hear(b, func(ctx context.Context, tell func(api.Line[api.Event]) error) error {
		return b.service().TailEvents(ctx, query, tell)
	})
}

// ids are those of events, in the order in which they were told.
func ids(events []api.Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.ID)
	}
	return list
}

func TestATailTellsEventsAsTheyBecomeDurable(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.change(1)
		b.wait(time.Second)
		tail := b.tail(api.TailQuery{})
		b.change(2, 3)
		b.wait(time.Millisecond)
		got := tail.items()
		if !slices.Equal(ids(got), []string{"e2", "e3"}) {
			t.Fatalf("told of %v, want e2 and e3", ids(got))
		}
		e := got[0]
		if e.From != "memory" || e.Seq != 2 || e.Type != "AssetMetadataUpdated" || e.Object.ItemID.String() != "2" || !strings.Contains(string(e.Raw), `"e2"`) {
			t.Errorf("an event is told as %+v", e)
		}
		tail.stop(b)
	})
}

func TestATailMayBeginWithTheLastEvents(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.change(1, 2, 3, 4)
		b.wait(time.Second)
		tail := b.tail(api.TailQuery{Last: 2})
		b.change(5)
		b.wait(time.Second)
		if got := ids(tail.items()); !slices.Equal(got, []string{"e3", "e4", "e5"}) {
			t.Errorf("told of %v, want the last two and what came after", got)
		}
		tail.stop(b)
	})
}

func TestATailTellsOnlyWhatIsAskedFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("titles", func(ep *endpoint.Endpoint) { ep.Subscription.Fields = []string{"title"} })
		tails := map[string]*heard[api.Event]{
			"e2":       b.tail(api.TailQuery{Type: "AssetDeleted"}),
			"e3":       b.tail(api.TailQuery{Object: "asset/9"}),
			"e1 e2":    b.tail(api.TailQuery{Endpoint: "titles"}),
			"e1 e2 e3": b.tail(api.TailQuery{Source: "memory"}),
			"":         b.tail(api.TailQuery{Source: "other"}),
		}
		for _, push := range []error{
			b.source.Push("AssetMetadataUpdated", 1, "title"),
			b.source.Push("AssetDeleted", 1),
			b.source.Push("AssetMetadataUpdated", 9, "keywords"),
		} {
			if push != nil {
				t.Fatal(push)
			}
		}
		b.wait(time.Second)
		for want, tail := range tails {
			if got := strings.Join(ids(tail.items()), " "); got != want {
				t.Errorf("told of %q, want %q", got, want)
			}
			tail.stop(b)
		}
		err := b.service().TailEvents(b.Context(), api.TailQuery{Endpoint: "title"}, nil)
		wantCode(t, err, api.CodeNotFound)
	})
}

// Otherwise a quiet daemon could not be told from a dead one.
func TestAStreamBeatsWhileNothingHappens(t *testing.T) {
	inBubble(t, func(b *bubble) {
		tail := b.tail(api.TailQuery{})
		b.wait(3 * api.Heartbeat)
		tail.mu.Lock()
		if n := len(tail.lines); n != 4 {
			t.Errorf("%d lines in the time of three heartbeats, want the first and three", n)
		}
		tail.mu.Unlock()
		tail.stop(b)
	})
}

func TestASlowConsumerHoldsNothingUp(t *testing.T) {
	inBubble(t, func(b *bubble) {
		ctx, cancel := context.WithCancel(b.Context())
		read := make(chan struct{})
		ended := make(chan error, 1)
		var lines []api.Line[api.Event]
		go func() {
			ended <- b.service().TailEvents(ctx, api.TailQuery{}, func(line api.Line[api.Event]) error {
				<-read
				lines = append(lines, line)
				return nil
			})
		}()
		synctest.Wait()
		const events = 40_000
		for item := range events {
			b.change(item + 1)
		}
		b.wait(time.Second)
		if got := b.source.Acked(); got != events {
			t.Errorf("%d events are durable, want all %d", got, events)
		}
		close(read)
		synctest.Wait()
		cancel()
		<-ended
		told, lost := 0, uint64(0)
		for _, line := range lines {
			lost += line.Lost
			if line.Item != nil {
				told++
			}
		}
		if lost == 0 || uint64(told)+lost != events {
			t.Errorf("%d events told and %d said to be lost, want %d together and some lost", told, lost, events)
		}
		if last := lines[len(lines)-1]; last.Item == nil || last.Item.ID != fmt.Sprintf("e%d", events) {
			t.Errorf("the last line is %+v, want the newest event", last)
		}
	})
}

func TestABacklogIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := newBacklog[int]()
	for n := range 10 {
		b.put(n, maxBacklog/3)
	}
	items, lost := b.take()
	if len(items) != 2 || items[1].item != 9 || lost != 8 {
		t.Errorf("%d items and %d lost, want the 2 newest and 8", len(items), lost)
	}
	b.put(10, 2*maxBacklog)
	if items, lost = b.take(); len(items) != 1 || lost != 0 {
		t.Errorf("%d items and %d lost of one that is large, want it", len(items), lost)
	}
}

func TestAttemptsAreToldAsTheyEnd(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(0), retry(time.Minute))
		b.add("other", debounce(0))
		watch := hear(b, func(ctx context.Context, tell func(api.Line[api.Attempt]) error) error {
			return b.service().WatchEndpoint(ctx, "shop", tell)
		})
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.change(7)
		b.wait(time.Second)
		b.change(7, 7)
		b.wait(2 * time.Minute)
		b.receiver.AnswerStatus(http.StatusOK)
		b.change(7)
		b.wait(time.Second)
		watch.stop(b)
		var got []string
		for _, a := range watch.items() {
			got = append(got, fmt.Sprintf("%s %s attempt %d of %d: %s %s %d, %s", a.Endpoint, a.Object.ItemID, a.Attempt, a.Changes, a.Verdict, a.Reason, a.Status, a.State))
			if (a.NextAttempt != nil) != (a.State == api.DebtRetrying) {
				t.Errorf("%s: the next attempt is %v", a.State, a.NextAttempt)
			}
		}
		want := []string{
			"shop 7 attempt 1 of 1: refused client-error 422, retrying",
			"shop 7 attempt 2 of 3: refused client-error 422, retrying",
			"shop 7 attempt 3 of 3: refused client-error 422, failed",
			"shop 7 attempt 4 of 4: delivered ok 200, delivered",
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q\nwant %q", got, want)
		}
		err := b.service().WatchEndpoint(b.Context(), "nobody", nil)
		wantCode(t, err, api.CodeNotFound)
	})
}

func TestAttemptsAtAGroupAreTold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(0))
		var group []endpoint.Endpoint
		for _, name := range []string{"web-1", "web-2"} {
			ep := endpoint.Endpoint{
				Name: name, Group: "web", URL: "http://" + name + ".test/" + name, Enabled: true,
				Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
			}
			debounce(0)(&ep)
			group = append(group, ep)
		}
		if _, err := b.service().CreateGroup(b.Context(), group); err != nil {
			b.Fatal(err)
		}
		watch := hear(b, func(ctx context.Context, tell func(api.Line[api.Attempt]) error) error {
			return b.service().WatchEndpoint(ctx, "web", tell)
		})
		b.change(7)
		b.wait(time.Second)
		watch.stop(b)
		var names []string
		for _, a := range watch.items() {
			names = append(names, a.Endpoint)
		}
		if slices.Sort(names); !slices.Equal(names, []string{"web-1", "web-2"}) {
			t.Errorf("told of attempts at %q, want those at the group", names)
		}
	})
}
