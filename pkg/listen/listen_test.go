package listen

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorder keeps what a receiver hands over.
type recorder struct {
	mu   sync.Mutex
	seen []Request
}

func (r *recorder) take(request Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, request)
}

func (r *recorder) all() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), r.seen...)
}

func serve(t *testing.T, answer Answer) (*Receiver, *recorder, string) {
	t.Helper()
	record := new(recorder)
	receiver := &Receiver{Answer: answer, Received: record.take, Now: func() time.Time { return time.Unix(1, 0).UTC() }}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	return receiver, record, server.URL
}

func post(t *testing.T, url, body string) *http.Response {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestARequestIsHandedOverAsItCame(t *testing.T) {
	t.Parallel()
	_, record, url := serve(t, Answer{})
	response := post(t, url+"/hook?a=1", `{"x": "<ü>"}`)
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", response.StatusCode)
	}
	seen := record.all()
	if len(seen) != 1 {
		t.Fatalf("%d requests handed over, want 1", len(seen))
	}
	got := seen[0]
	if got.Headers["Content-Type"] != "application/json" || got.Headers["Host"] == "" {
		t.Errorf("headers %v, want Content-Type and Host", got.Headers)
	}
	got.Headers = nil
	want := Request{Time: time.Unix(1, 0).UTC(), Method: "POST", Path: "/hook?a=1", Body: `{"x": "<ü>"}`, Status: 200}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer Answer
		want   []int // statuses; 0 is a broken connection
	}{
		{"all is well by default", Answer{}, []int{200, 200}},
		{"any success", Answer{Status: 204}, []int{204, 204}},
		{"always failing", Answer{Status: 503}, []int{503, 503}},
		{"every third fails", Answer{FailEvery: 3}, []int{200, 200, 500, 200, 200, 500}},
		{"every second fails as told", Answer{FailEvery: 2, Status: 429}, []int{200, 429, 200, 429}},
		{"retry after means unavailable", Answer{RetryAfter: 30 * time.Second}, []int{503}},
		{"retry after with a status", Answer{RetryAfter: 30 * time.Second, Status: 429}, []int{429}},
		{"broken off", Answer{Close: true}, []int{0, 0}},
		{"every second is broken off", Answer{Close: true, FailEvery: 2}, []int{200, 0, 200, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.answer.Validate(); err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.want {
				if got := tt.answer.to(uint64(i) + 1); got.status != want || got.fails != (want == 0 || want >= 300) {
					t.Errorf("answer %d is %+v, want status %d", i+1, got, want)
				}
			}
		})
	}
}

func TestAnswersThatCanNotBeMeant(t *testing.T) {
	t.Parallel()
	for _, answer := range []Answer{
		{Status: 99},
		{Status: 600},
		{FailEvery: -1},
		{FailEvery: 2, Status: 204},
		{Close: true, Status: 500},
		{Close: true, RetryAfter: time.Second},
		{Status: 200, RetryAfter: time.Second},
		{Status: 302, RetryAfter: time.Second},
	} {
		if answer.Validate() == nil {
			t.Errorf("%+v is accepted", answer)
		}
	}
}

func TestRetryAfterIsSentOnlyWithFailures(t *testing.T) {
	t.Parallel()
	receiver, _, url := serve(t, Answer{FailEvery: 2, RetryAfter: 30 * time.Second})
	if got := post(t, url, "").Header.Get("Retry-After"); got != "" {
		t.Errorf("a success asks to retry after %q", got)
	}
	if got := post(t, url, "").Header.Get("Retry-After"); got != "30" {
		t.Errorf("a failure asks to retry after %q, want 30", got)
	}
	if diff := cmp.Diff(Counts{Received: 2, Failed: 1}, receiver.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestAConnectionIsBrokenOffWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	_, record, url := serve(t, Answer{Close: true})
	_, err := http.Post(url, "text/plain", strings.NewReader("x"))
	if !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want the connection's end", err)
	}
	if len(record.all()) == 0 {
		t.Error("the request was not handed over")
	}
}

func TestTooLongABodyIsCutAndRefused(t *testing.T) {
	t.Parallel()
	_, record, url := serve(t, Answer{})
	response := post(t, url, strings.Repeat("x", MaxBody+1))
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", response.StatusCode)
	}
	if seen := record.all(); len(seen) != 1 || len(seen[0].Body) != MaxBody {
		t.Errorf("handed over %d requests, want 1 with %d bytes", len(seen), MaxBody)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`:                                      "AssetChanged ItemId 9588 BaseId 16",
		`{"ChangeType":4,"Data":{"ItemId":"a","TreeValueId":"b"}}`:                                 "TreeValueChanged ItemId a TreeValueId b",
		`{"trigger":{"event":"metadata","user":0},"item":{"ID":"967567","GID":1234567},"data":{}}`: "metadata ID 967567 GID 1234567",
		`{"trigger":{"event":"metadata"}}`:                                                         "", `{"item":{"ID":"1"}}`: "",
		`{"ChangeType":0}`: "", `[]`: "", `no`: "", ``: "", `{"Data":{"ItemId":1}}`: "", `{"ChangeType":99}`: "",
	} {
		if got := Describe(body); got != want {
			t.Errorf("Describe(%s) = %q, want %q", body, got, want)
		}
	}
}
