package daemon

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/dztest"
)

func TestFailuresWaitForAPerson(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.add("shop", debounce(0), retry(time.Second))
		b.change(1, 2, 3)
		b.wait(time.Hour)
		b.want(6, "two attempts each")
		page, err := b.service().ListFailures(b.Context(), api.FailureQuery{Page: api.Page{Limit: 10}})
		if err != nil || len(page.Failures) != 3 {
			t.Fatalf("%d failures, %v; want 3", len(page.Failures), err)
		}
		f := page.Failures[0]
		if f.Endpoint != "shop" || f.Status != 422 || f.Attempts != 2 || f.State != "failed" || f.NextAttempt != nil {
			t.Errorf("failure is %+v", f)
		}

		one := api.FailureAction{FailureSelection: api.FailureSelection{IDs: []string{f.ID}}}
		dry := one
		dry.DryRun = true
		if result, err := b.service().RetryFailures(b.Context(), dry); err != nil || result.Matched != 1 {
			t.Fatalf("dry run matches %d, %v; want 1", result.Matched, err)
		}
		b.wait(time.Minute)
		b.want(6, "after a dry run")

		one.Wait = true
		result, err := b.service().RetryFailures(b.Context(), one)
		if err != nil || result.Matched != 1 || result.Failed != 1 {
			t.Fatalf("retry: %+v, %v; want one failed", result, err)
		}
		b.receiver.AnswerStatus(http.StatusOK)
		all := api.FailureAction{FailureSelection: api.FailureSelection{All: true, Retrying: true}, Wait: true}
		if result, err = b.service().RetryFailures(b.Context(), all); err != nil || result.Matched != 3 || result.Delivered != 3 {
			t.Fatalf("retry all: %+v, %v; want three delivered", result, err)
		}
		if s := b.status(); s.Debts.Failed != 0 || !s.Idle {
			t.Errorf("status is %+v", s.Debts)
		}
		_, err = b.service().GetFailure(b.Context(), f.ID)
		wantCode(t, err, api.CodeNotFound)
	})
}

func TestARetryGoesOutThoughTheEndpointIsSick(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(dztest.Request) dztest.Answer {
			return dztest.Answer{Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "7200"}}
		})
		b.add("shop", debounce(0), retry(time.Second))
		b.change(1)
		b.wait(time.Minute)
		b.want(1, "while Retry-After holds it")
		b.receiver.AnswerStatus(http.StatusOK)
		action := api.FailureAction{FailureSelection: api.FailureSelection{All: true, Retrying: true}, Wait: true}
		result, err := b.service().RetryFailures(b.Context(), action)
		if err != nil || result.Delivered != 1 {
			t.Fatalf("retry: %+v, %v; want one delivered", result, err)
		}
	})
}

// A retry that there is nothing to tell of did not fail, nor did one that is held.
func TestARetryIsToldForWhatBecameOfIt(t *testing.T) {
	inBatches(t, 1, func(r *batchReceiver) {
		refused := items(7)
		r.answers(func(_ dztest.Request, told []int) *dztest.Answer {
			if slices.Contains(refused, told[0]) {
				return &dztest.Answer{Status: http.StatusUnprocessableEntity}
			}
			return nil
		})
		r.change(items(7)...)
		r.wait(2 * time.Second)
		r.wantRetrying(7)
		refused = []int{7}
		r.style.does(func(debts []debt.Debt) ([]attempt.Outcome, error) {
			switch debts[0].Object.ItemID.String() {
			case "1", "2", "3":
				return []attempt.Outcome{{Verdict: attempt.Skipped, Reason: attempt.Unchanged}}, nil
			case "4", "5":
				return []attempt.Outcome{{Verdict: attempt.Held, Reason: attempt.TooManyDeletions}}, nil
			default:
				return nil, nil
			}
		})
		result, err := r.service().RetryFailures(r.Context(), retryAll())
		if want := (api.FailureResult{Matched: 7, Delivered: 1, Failed: 1, Skipped: 3, Held: 2}); err != nil || result != want {
			t.Errorf("%+v, %v; want %+v", result, err, want)
		}
		if text := result.Counts(); text != "1 delivered, 1 failed, 3 skipped, 2 held" {
			t.Errorf("in words: %s", text)
		}
		r.wait(time.Second) // it is told before the lane is at rest
	})
}

func TestARetryToADisabledEndpointIsRefused(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.add("shop", debounce(0), retry(time.Second))
		b.change(1)
		b.wait(time.Minute)
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", false); err != nil {
			t.Fatal(err)
		}
		_, err := b.service().RetryFailures(b.Context(), api.FailureAction{FailureSelection: api.FailureSelection{Endpoint: "shop"}})
		wantCode(t, err, api.CodeConflict)
		result, err := b.service().RetryFailures(b.Context(), api.FailureAction{FailureSelection: api.FailureSelection{All: true}})
		if err != nil || result.Matched != 0 {
			t.Errorf("retry of all: %+v, %v; want none, as none can be sent", result, err)
		}
	})
}

func TestAPurgeCanBeVerified(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.add("shop", debounce(0), retry(time.Second))
		b.change(1, 2, 3)
		b.wait(time.Minute)
		action := api.FailureAction{FailureSelection: api.FailureSelection{Object: "asset/2"}, DryRun: true}
		for _, dry := range []bool{true, false} {
			action.DryRun = dry
			result, err := b.service().PurgeFailures(b.Context(), action)
			if err != nil || result.Matched != 1 || result.DryRun != dry {
				t.Fatalf("purge: %+v, %v; want 1", result, err)
			}
		}
		result, err := b.service().PurgeFailures(b.Context(), action)
		if err != nil || result.Matched != 0 {
			t.Errorf("purged again: %+v, %v; want none", result, err)
		}
		if s := b.status(); s.Debts.Failed != 2 {
			t.Errorf("%d failures left, want 2", s.Debts.Failed)
		}
	})
}
