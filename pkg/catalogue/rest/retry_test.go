package rest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/event"
)

var fine = say(http.StatusOK, `{"id":1}`)

func TestASickDAMIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504} {
		dam := inTurn(append(slices.Repeat([]http.HandlerFunc{say(status, "{}")}, 3), fine)...)
		inBubble(t, plain, dam, func(t *testing.T, c *rest.Catalogue) {
			t.Helper()
			begun := time.Now()
			if _, err := one(t, c, ids(1)[0]); err != nil {
				t.Fatalf("status %d: %v", status, err)
			}
			if waited := time.Since(begun); waited != 3500*time.Millisecond {
				t.Errorf("status %d: waited %s, want 0.5 s + 1 s + 2 s", status, waited)
			}
		})
	}
}

func TestASickDAMIsGivenUp(t *testing.T) {
	t.Parallel()
	dam := inTurn(say(http.StatusBadGateway, "<h1>nginx</h1>", "Content-Type: text/html"))
	inBubble(t, plain, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		_, err := one(t, c, ids(1)[0])
		e := wantKind(t, err, catalogue.ErrNotNow)
		if e.Text != "get: HTTP 502 Bad Gateway" || dam.count() != 4 {
			t.Errorf("%v after %d tries", e, dam.count())
		}
	})
}

func TestWhatADAMAsksForHoldsForEveryCall(t *testing.T) {
	t.Parallel()
	dam := inTurn(say(http.StatusTooManyRequests, "", "Retry-After: 20"), fine)
	inBubble(t, plain, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				<-time.After(time.Duration(i) * time.Second)
				if _, err := c.Look(t.Context(), catalogue.View{}, ids(1)); err != nil {
					t.Error(err)
				}
				if waited := time.Since(begun); waited != 20*time.Second {
					t.Errorf("call %d was answered after %s, want 20s", i, waited)
				}
			})
		}
		wg.Wait()
		if dam.count() != 6 {
			t.Errorf("%d requests, want 6", dam.count())
		}
	})
}

func TestALongWaitIsTheCallersToWaitFor(t *testing.T) {
	t.Parallel()
	dam := inTurn(say(http.StatusServiceUnavailable, "", "Retry-After: 3600"), fine)
	inBubble(t, plain, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		_, err := one(t, c, ids(1)[0])
		if e := wantKind(t, err, catalogue.ErrNotNow); e.After != time.Hour {
			t.Errorf("to be left alone for %s, want 1h", e.After)
		}
		<-time.After(time.Minute)
		_, err = one(t, c, ids(1)[0])
		if e := wantKind(t, err, catalogue.ErrNotNow); e.After != 59*time.Minute || dam.count() != 1 {
			t.Errorf("a minute later: %s, %d requests; want 59m and 1", e.After, dam.count())
		}
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("the calls took %s", waited-time.Minute)
		}
		<-time.After(time.Hour)
		if _, err := one(t, c, ids(1)[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestRetryAfterMayBeADate(t *testing.T) {
	t.Parallel()
	dam := inTurn(func(w http.ResponseWriter, r *http.Request) {
		say(http.StatusTooManyRequests, "", "Retry-After: "+time.Now().Add(10*time.Second).UTC().Format(http.TimeFormat))(w, r)
	}, fine)
	inBubble(t, plain, dam, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		if _, err := one(t, c, ids(1)[0]); err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("%v after %s, want 10s", err, time.Since(begun))
		}
	})
}

func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	inBubble(t, plain, inTurn(func(w http.ResponseWriter, r *http.Request) {
		say(http.StatusOK, `{"id":`+strings.TrimPrefix(r.URL.Path, "/assets/")+`}`)(w, r)
	}), func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		if _, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2, 3, 4, 5, 6, 7, 8, 9)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != 4*time.Second {
			t.Errorf("nine requests at 2 a second took %s, want 4s", took)
		}
	}, func(c *rest.Config) { c.Rate = 2 })
}

func TestNoMoreRequestsAtATimeThanConfigured(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var now, most int
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-time.After(time.Second)
		mu.Lock()
		now--
		mu.Unlock()
		say(http.StatusOK, `{"id":`+strings.TrimPrefix(r.URL.Path, "/assets/")+`}`)(w, r)
	})
	inBubble(t, plain, slow, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2, 3, 4, 5, 6)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most != 3 || time.Since(begun) != 4*time.Second {
			t.Errorf("%d requests at a time, %s; want 3 and 4s", most, time.Since(begun))
		}
	}, func(c *rest.Config) { c.Concurrency = 3 })
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	inBubble(t, plain, hangs, func(t *testing.T, c *rest.Catalogue) {
		t.Helper()
		begun := time.Now()
		_, err := one(t, c, ids(1)[0])
		if e := wantKind(t, err, catalogue.ErrNotNow); e.Text != "get: no whole answer within 2s" {
			t.Errorf("error is %v", e)
		}
		if took := time.Since(begun); took != 4*2*time.Second+3500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Look(ctx, catalogue.View{}, ids(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: %v", err)
		}
	}, func(c *rest.Config) { c.Timeout = 2 * time.Second })
}

func TestAnAnswerIsReadUpToItsLimit(t *testing.T) {
	t.Parallel()
	long := say(http.StatusOK, `{"id":1,"title":"`+strings.Repeat("x", 2000)+`"}`)
	c := open(t, parsed(t, plain), long, func(c *rest.Config) { c.MaxAnswer = 1000 })
	got, err := one(t, c, event.IntID(1))
	if err != nil {
		t.Fatal(err)
	}
	if e := wantKind(t, got.Err, catalogue.ErrUnreadable); e.Text != "get: the answer is longer than 1000 bytes" {
		t.Errorf("error is %v", e)
	}
}
