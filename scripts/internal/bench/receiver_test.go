package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestItemOfReadsWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		want int
		ok   bool
	}{
		{string(notification(nil, 0)), 0, true},
		{string(notification(nil, 99_999)), 99_999, true},
		{`{"ChangeType":1,"Data":{"ItemId":"x","BaseId":1}}`, 0, false},
		{`{"ChangeType":1,"Data":{"ItemId":-1,"BaseId":1}}`, -1, false},
		{`{"ChangeType":1,"Data":{"ItemId":7`, 0, false},
		{``, 0, false},
	} {
		if got, ok := itemOf([]byte(c.body)); got != c.want || ok != c.ok {
			t.Errorf("itemOf(%s) = %d, %v; want %d, %v", c.body, got, ok, c.want, c.ok)
		}
	}
}

// send gives a receiver a request about an item, and returns the answer's status.
func send(r *receiver, item int) int {
	answer := httptest.NewRecorder()
	body := strings.NewReader(string(notification(nil, item)))
	r.hook(answer, httptest.NewRequest(http.MethodPost, "/", body))
	return answer.Code
}

func compare(t *testing.T, got, want tally) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(tally{}, "First", "Last")); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func TestReceiverTellsRepeatedAndStrangeFromFirstDeliveries(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	r.reset(2)
	for _, item := range []int{0, 1, 1, 2} {
		if status := send(r, item); status != http.StatusOK {
			t.Errorf("item %d: status %d", item, status)
		}
	}
	compare(t, r.tally(), tally{Delivered: 4, Distinct: 2, Repeated: 1, Strange: 1})
	r.reset(2)
	compare(t, r.tally(), tally{})
}

func TestReceiverReadsAllOfANotification(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	r.reset(3)
	for i, body := range []string{
		`{"ChangeType":1,"Data":{"ItemId":0,"BaseId":0}}`,
		`{"ChangeType":2,"Data":{"ItemId":1,"BaseId":1}}`,
		`{"ChangeType":1,"Data":{"ItemId":2,"BaseId":0}}`,
	} {
		answer := httptest.NewRecorder()
		r.hook(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if answer.Code != http.StatusOK {
			t.Errorf("request %d: status %d", i, answer.Code)
		}
	}
	compare(t, r.tally(), tally{Delivered: 3, Distinct: 3, Altered: 2})
	want := []string{"2 deliveries told something else of their object"}
	if diff := cmp.Diff(want, r.tally().faults(3)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestReceiverThatIsDownCountsProbesSinceTheMark(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	r.reset(10)
	r.down.Store(true)
	if status := send(r, 0); status != http.StatusServiceUnavailable {
		t.Errorf("status %d of a receiver that is down", status)
	}
	r.marked = true
	var together sync.WaitGroup
	for i := range 3 {
		together.Go(func() { send(r, i) })
	}
	together.Wait()
	got := r.tally()
	if got.Abreast < 2 || got.Abreast > 3 {
		t.Errorf("%d requests at a time were seen, of 3", got.Abreast)
	}
	got.Abreast = 0
	compare(t, got, tally{Refused: 4, Probes: 3})
}
