package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

func retryAll() api.FailureAction {
	return api.FailureAction{FailureSelection: api.FailureSelection{All: true, Retrying: true}, Wait: true}
}

func TestTheOldTargetsAnswerSaysNothingAboutTheNew(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.Path == "/old" {
				return dztest.Answer{Status: http.StatusGone, Delay: 10 * time.Second}
			}
			return dztest.Answer{}
		})
		b.add("shop", debounce(0), func(ep *endpoint.Endpoint) { ep.URL = "http://shop.test/old" })
		b.change(1)
		b.wait(time.Second)
		_, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
			ep.URL = "http://shop.test/new"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.wait(time.Hour)
		if s := b.status(); s.Endpoints[0].State != "healthy" || !s.Idle {
			t.Errorf("the new target is %s, %+v", s.Endpoints[0].State, s.Debts)
		}
	})
}

func TestEnablingIsNotUndoneByWhatWasUnderWay(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.N <= 8 {
				return dztest.Answer{Status: http.StatusGone, Delay: time.Duration(r.N) * 3 * time.Second}
			}
			return dztest.Answer{}
		})
		b.add("shop", debounce(0))
		b.change(items(8)...)
		b.wait(4 * time.Second) // the first has answered
		if state := b.status().Endpoints[0].State; state != "gone" {
			t.Fatalf("the endpoint is %s, want gone", state)
		}
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", true); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Hour)
		if s := b.status(); s.Endpoints[0].State != "healthy" || !s.Idle {
			t.Errorf("the endpoint is %s, %+v", s.Endpoints[0].State, s.Debts)
		}
	})
}

func TestAReceiverThatComesAndGoesDoesNotUseTheScheduleUp(t *testing.T) {
	inBubble(t, func(b *bubble) {
		n := 0
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.Body == `{"ChangeType":1,"Data":{"ItemId":1,"BaseId":1}}` {
				return dztest.Answer{Status: http.StatusUnprocessableEntity}
			}
			if n++; n%6 != 0 {
				return dztest.Answer{Status: http.StatusServiceUnavailable}
			}
			return dztest.Answer{}
		})
		b.add("shop", debounce(0))
		b.change(items(60)...)
		for range 10 {
			b.wait(time.Minute)
			b.change(100)
		}
		if s := b.status(); s.Debts.Failed > 0 {
			t.Errorf("%d debts have used up a schedule of 75 h within ten minutes", s.Debts.Failed)
		}
		page, err := b.service().ListFailures(b.Context(), api.FailureQuery{
			FailureSelection: api.FailureSelection{Object: "asset/1", Retrying: true}, Page: api.Page{Limit: 5},
		})
		if err != nil || len(page.Failures) != 1 || page.Failures[0].Attempts > 3 {
			t.Errorf("what is refused was tried again at every recovery: %+v, %v", page.Failures, err)
		}
	})
}

func TestAWaitedRetryTellsOfTheAttemptThatWasUnderWay(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.add("shop", debounce(0), retry(time.Second, time.Hour))
		b.change(1)
		b.wait(100 * time.Millisecond)
		b.receiver.AnswerWith(slowly(10 * time.Second))
		b.wait(2 * time.Second) // its retry is under way
		result, err := b.service().RetryFailures(b.Context(), retryAll())
		if err != nil || result.Matched != 1 || result.Delivered != 1 || result.Dropped != 0 {
			t.Errorf("%+v, %v; want one delivered", result, err)
		}
	})
}

func TestAWaitedRetryEndsWhenTheEndpointIsGone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.add("shop", debounce(0), retry(time.Second), func(ep *endpoint.Endpoint) { ep.Concurrency = 1 })
		b.change(1, 2, 3)
		b.wait(time.Minute)
		b.receiver.AnswerStatus(http.StatusGone)
		ctx, cancel := context.WithTimeout(b.Context(), 24*time.Hour)
		defer cancel()
		result, err := b.service().RetryFailures(ctx, retryAll())
		wantCode(t, err, api.CodeConflict)
		if result.Matched != 3 || result.Failed != 1 {
			t.Errorf("result is %+v, want one of three tried", result)
		}
	})
}

func TestAReplayDoesNotTurnTheLatestStateBack(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(time.Minute))
		b.emit(7, 1)
		b.wait(5 * time.Minute)
		b.want(1, "after the first change")
		until := time.Now()
		b.wait(time.Second)
		b.emit(7, 2)
		b.wait(time.Second)
		if _, err := b.service().Replay(b.Context(), api.Replay{Since: until.Add(-time.Hour), Until: &until}); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Hour)
		requests := b.received("")
		if got, want := requests[len(requests)-1].Body, `{"ChangeType":1,"Data":{"ItemId":7,"BaseId":2}}`; got != want {
			t.Errorf("told last %s, want %s", got, want)
		}
	})
}

func TestStatusTellsWaitingFromDueFromRetrying(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusInternalServerError)
		b.add("shop", debounce(0), retry(time.Second, time.Second, time.Second, time.Second))
		b.change(items(6)...)
		b.wait(10 * time.Millisecond) // each has failed once, and the endpoint is sick
		_, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
			debounce(time.Hour)(ep)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.change(11, 12)
		b.wait(5 * time.Second)
		if s := b.status(); s.Debts.Due != 0 || s.Debts.Waiting != 2 || s.Debts.Retrying != 6 {
			t.Errorf("%+v, want 2 waiting and 6 retrying", s.Debts)
		}
	})
}

func TestNothingIsBegunAfterAStop(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(2*time.Second))
		b.change(1)
		b.wait(time.Second)
		// Somebody's request to the API is under way, and holds the stop up.
		conn, err := b.api.Dial(b.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		b.wait(100 * time.Millisecond)
		b.stop()
		b.want(0, "after the stop")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		b.start()
		b.wait(time.Minute)
		b.want(1, "after the next start")
	})
}

func TestAnImpossibleSourceHindersNoOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "dz.db"), bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	d := &Daemon{log: log, now: time.Now, store: db, feeds: map[string]*feed{}}
	d.registry = newRegistry(db, nil, endpoint.DefaultWindow(), log, d.newLane)
	d.intake = &intake{store: db, registry: d.registry, now: d.now, log: log}
	t.Cleanup(func() {
		if err := errors.Join(d.stopFeeds(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	spool := config.Source{Name: "spool", Type: "file", Path: dir + "/a"}
	if err := d.applySources(t.Context(), []config.Source{spool}); err != nil {
		t.Fatal(err)
	}
	broken, zoo := spool, config.Source{Name: "zoo", Type: "file", Path: dir + "/zoo"}
	broken.Path = dir + "/[a"
	if err := d.applySources(t.Context(), []config.Source{broken, zoo}); err == nil {
		t.Error("a pattern that can't be read is no error")
	}
	if got := d.sourceStatus(); len(got) != 2 {
		t.Errorf("the sources are %+v, want the old spool and the new zoo", got)
	}
}

func TestADebtFromTheFutureIsToldUnderSteadyTraffic(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.stop()
		b.ahead.Store(int64(365 * 24 * time.Hour))
		b.start()
		b.change(1)
		b.wait(time.Second)
		b.ahead.Store(0) // the clock is set right while the daemon runs
		for i := range 120 {
			b.change(100 + i)
			b.wait(time.Second)
		}
		if n := b.receiver.Bodies()[`{"ChangeType":1,"Data":{"ItemId":1,"BaseId":1}}`]; n != 1 {
			t.Errorf("two minutes after the clock was set back the debt was told %d times, want once", n)
		}
	})
}

// Endpoints that are owed the same refuse it, all of them, until the store is full of
// what that leaves. When they take it, all goes on by itself.
func TestAFullStoreComesFreeWhenReceiversTakeWhatTheyAreOwed(t *testing.T) {
	const changes, shops = 1500, 5
	limit := func(b *bubble) { b.maxSize = 4 << 20 }
	inBubbleWith(t, limit, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		for n := range shops {
			b.add(fmt.Sprintf("shop%d", n), debounce(time.Minute), retry(time.Minute, 5*time.Minute, 5*time.Minute))
		}
		for n := range changes {
			if err := b.source.Push("AssetMetadataUpdated", n*7919%100003, strings.Repeat("field", 100)); err != nil {
				t.Fatal(err)
			}
			if n%20 == 0 {
				b.wait(10 * time.Millisecond)
			}
		}
		b.wait(3 * time.Minute)
		s := b.status()
		if s.Events.Ingested == changes || !strings.Contains(s.Store.Error, "store is full") {
			t.Fatalf("the store has room for all of %d changes: %q", s.Events.Ingested, s.Store.Error)
		}
		if s.Debts.InFlight > 0 || s.Attempts.Failed < shops*s.Events.Ingested {
			t.Errorf("of %d changes for each of %d endpoints, %d refusals are recorded, and %d are under way",
				s.Events.Ingested, shops, s.Attempts.Failed, s.Debts.InFlight)
		}
		b.receiver.AnswerStatus(http.StatusOK)
		b.wait(10 * time.Minute)
		if s = b.status(); !s.Idle || s.Attempts.Delivered != shops*changes || s.Store.Error != "" {
			t.Errorf("idle=%v, %d delivered, %q; want all of %d changes", s.Idle, s.Attempts.Delivered, s.Store.Error, changes)
		}
	})
}
