package endpoint

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/timespan"
)

func seconds(n int) *timespan.Span {
	span := timespan.Span(n) * timespan.Span(time.Second)
	return &span
}

func TestWindowDue(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	w := Window{Interval: 5 * time.Second, MaxWait: time.Minute}
	for last, want := range map[int]int{0: 5, 1: 6, 54: 59, 55: 60, 56: 60, 600: 60} {
		got := w.Due(start, start.Add(time.Duration(last)*time.Second))
		if got != start.Add(time.Duration(want)*time.Second) {
			t.Errorf("last seen after %ds: due after %s, want %ds", last, got.Sub(start), want)
		}
	}
}

func TestWindowOfAnEndpoint(t *testing.T) {
	t.Parallel()
	second := time.Second
	for name, c := range map[string]struct {
		interval, maxWait *timespan.Span
		want              Window
	}{
		"the default":                          {nil, nil, Window{5 * second, 60 * second}},
		"its own":                              {seconds(2), seconds(10), Window{2 * second, 10 * second}},
		"no debounce at all":                   {seconds(0), nil, Window{0, 60 * second}},
		"an interval above the usual ceiling":  {seconds(120), nil, Window{120 * second, 120 * second}},
		"a ceiling below the usual interval":   {nil, seconds(1), Window{second, second}},
		"a ceiling below its own interval":     {seconds(9), seconds(3), Window{9 * second, 9 * second}},
		"a ceiling of nothing is no debounce":  {nil, seconds(0), Window{}},
		"an interval of its own, equal to max": {seconds(60), nil, Window{60 * second, 60 * second}},
	} {
		ep := Endpoint{Debounce: c.interval, MaxWait: c.maxWait}
		if got := ep.Window(DefaultWindow()); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestDefaultsOfDelivery(t *testing.T) {
	t.Parallel()
	var ep Endpoint
	if ep.Slots() != 8 || ep.DialTimeout() != 5*time.Second || ep.RequestTimeout(0) != 30*time.Second ||
		ep.RequestTimeout(100*time.Second) != 100*time.Second || ep.Schedule().String() != DefaultSchedule().String() {
		t.Errorf("slots %d, dial %s, request %s, schedule %s", ep.Slots(), ep.DialTimeout(), ep.RequestTimeout(0), ep.Schedule())
	}
	ep = Endpoint{Concurrency: 3, Timeout: *seconds(7), ConnectTimeout: *seconds(2), Retry: Schedule{*seconds(1)}}
	if ep.Slots() != 3 || ep.DialTimeout() != 2*time.Second || ep.RequestTimeout(100*time.Second) != 7*time.Second || ep.Schedule().String() != "1s" {
		t.Errorf("slots %d, dial %s, request %s, schedule %s", ep.Slots(), ep.DialTimeout(), ep.RequestTimeout(0), ep.Schedule())
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://shop.example/hook":              "https://shop.example/hook",
		"https://shop.example/@dam?at=a@b":       "https://shop.example/@dam?at=***",
		"https://dam:pw@shop.example/hook?x=1":   "https://***@shop.example/hook?x=***",
		"https://dam@shop.example":               "https://***@shop.example",
		"https://dam:p%40w@[::1]:8080/a//b":      "https://***@[::1]:8080/a//b",
		"//dam:pw@shop.example/x":                "//***@shop.example/x",
		"dam:pw@shop.example/x":                  "***",
		"http:dam:pw@shop.example":               "***",
		"https://dam:p w@shop.example":           "***",
		"https://dam:pw@":                        "***",
		"https://dam:p/w@shop.example:port/hook": "***",
		"localhost:8080/hook":                    "localhost:8080/hook",
		"127.0.0.1:8080/hook":                    "127.0.0.1:8080/hook",
		"":                                       "",
	} {
		if got := RedactURL(text); got != want {
			t.Errorf("RedactURL(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRedactedHidesValuesAndKeepsTheOriginal(t *testing.T) {
	t.Parallel()
	ep := Endpoint{Name: "shop", URL: "https://dam:pw@shop.example/", Headers: map[string]string{"X-Key": "secret"}}
	got := ep.Redacted()
	if got.URL != "https://***@shop.example/" || got.Headers["X-Key"] != Masked || got.Name != "shop" {
		t.Errorf("%+v", got)
	}
	if ep.URL != "https://dam:pw@shop.example/" || ep.Headers["X-Key"] != "secret" {
		t.Errorf("the original became %+v", ep)
	}
}
