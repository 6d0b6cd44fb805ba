package endpoint

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func valid() Endpoint {
	return Endpoint{
		Name: "shop", Style: "notify", URL: "https://shop.example/hooks/dam",
		Subscription: Subscription{ChangeTypes: event.AssetChanged},
	}
}

func TestWhatIsValid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Endpoint){
		"the least":          func(*Endpoint) {},
		"a name of all":      func(e *Endpoint) { e.Name = "9Shop.eu-west_1" },
		"a user in the url":  func(e *Endpoint) { e.URL = "https://dam:s%2Fcret@shop.example:8443/a?b=c" },
		"an IPv6 address":    func(e *Endpoint) { e.URL = "http://[::1]:8080/" },
		"an address":         func(e *Endpoint) { e.URL = "http://127.0.0.1:65535" },
		"an empty port":      func(e *Endpoint) { e.URL = "http://shop.example:/x" },
		"headers":            func(e *Endpoint) { e.Headers = map[string]string{"X-Key": "a b\tc", "Authorization": ""} },
		"everything at once": func(e *Endpoint) { *e = full() },
		"no debounce":        func(e *Endpoint) { e.Debounce = new(timespan.Span) },
		"reasons as events":  func(e *Endpoint) { e.Subscription.Events = []string{"thumb"} },
	} {
		ep := valid()
		change(&ep)
		if err := ep.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func full() Endpoint {
	ep := valid()
	ep.Description, ep.Concurrency, ep.Rate = "the shop", MaxConcurrency, 0.5
	ep.Debounce, ep.MaxWait, ep.Timeout, ep.ConnectTimeout = seconds(7), seconds(7), MaxTimeout, *seconds(1)
	ep.Retry = DefaultSchedule()
	ep.CAFile, ep.ClientCert, ep.ClientKey = "/etc/ca.pem", "/etc/cert.pem", "/etc/key.pem"
	ep.Subscription = Subscription{
		ChangeTypes: event.AllChanges, Events: event.TypeNames(event.AllChanges), Fields: []string{"title"},
		Formats: []event.ID{event.IntID(1)}, Channels: []event.ID{event.StringID("x")}, Reasons: event.Reasons(),
		Filter: `event.type != ""`,
	}
	return ep
}

func TestValidateSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	span := func(d time.Duration) *timespan.Span {
		s := timespan.Span(d)
		return &s
	}
	for _, c := range []struct {
		change func(*Endpoint)
		want   string
	}{
		{func(e *Endpoint) { e.Name = "" }, `endpoint name "": write 1 to 64 letters`},
		{func(e *Endpoint) { e.Name = "-shop" }, "beginning with a letter or digit"},
		{func(e *Endpoint) { e.Name = "a b" }, `endpoint name "a b"`},
		{func(e *Endpoint) { e.Name = "a\n" }, `endpoint name "a\n"`},
		{func(e *Endpoint) { e.Name = strings.Repeat("a", 65) }, "1 to 64 letters"},

		{func(e *Endpoint) { e.URL = "" }, "url is missing: write one such as https://"},
		{func(e *Endpoint) { e.URL = "shop.example/hook" }, `url "shop.example/hook" has no scheme: write https:// or http:// before it`},
		{func(e *Endpoint) { e.URL = "localhost:8080/hook" }, `url "localhost:8080/hook" has no scheme`},
		{func(e *Endpoint) { e.URL = "127.0.0.1:8080/hook" }, `url "127.0.0.1:8080/hook" has no scheme`},
		{func(e *Endpoint) { e.URL = "//shop.example" }, "has no scheme"},
		{func(e *Endpoint) { e.URL = "ftp://shop.example/x" }, `scheme "ftp" is not http or https`},
		{func(e *Endpoint) { e.URL = "http:///hook" }, `url "http:///hook" has no host`},
		{func(e *Endpoint) { e.URL = "http://:8080/hook" }, "has no host"},
		{func(e *Endpoint) { e.URL = "http://shop.example/#x" }, "has a fragment"},
		{func(e *Endpoint) { e.URL = "http://shop.example:0/" }, "port 0 is not between 1 and 65535"},
		{func(e *Endpoint) { e.URL = "http://shop.example:65536/" }, "port 65536 is not between 1 and 65535"},
		{func(e *Endpoint) { e.URL = "http://shop.example:x/" }, "url can't be read: invalid port"},
		{func(e *Endpoint) { e.URL = "http://shop example/" }, "url can't be read: invalid character"},
		{func(e *Endpoint) { e.URL = "http://shop.example/\n" }, "url can't be read"},
		{func(e *Endpoint) { e.URL = "http://x/" + strings.Repeat("y", maxURL) }, "url is longer than 8192 bytes"},

		{func(e *Endpoint) { e.Headers = map[string]string{"X": "a\nb"} }, "header X has a newline in its value"},
		{func(e *Endpoint) { e.Headers = map[string]string{"X": "a\rb"} }, "header X has a newline in its value"},
		{func(e *Endpoint) { e.Headers = map[string]string{"X": "a\x00b"} }, "header X has a control character in its value"},
		{func(e *Endpoint) { e.Headers = map[string]string{"X Y": "a"} }, `header name "X Y" is not one that HTTP allows`},
		{func(e *Endpoint) { e.Headers = map[string]string{"": "a"} }, `header name "" is not one`},
		{func(e *Endpoint) { e.Headers = map[string]string{"X:": "a"} }, `header name "X:" is not one`},
		{func(e *Endpoint) { e.Headers = map[string]string{"X\nY": "a"} }, `header name "X\nY" is not one`},
		{func(e *Endpoint) { e.Headers = map[string]string{"content-length": "5"} }, "header content-length is made by dz itself"},
		{func(e *Endpoint) { e.Headers = map[string]string{"Webhook-Id": "5"} }, "header Webhook-Id is made by dz itself"},
		{func(e *Endpoint) { e.Headers = map[string]string{"x-key": "a", "X-Key": "b"} }, "header X-Key is given twice"},
		{func(e *Endpoint) { e.Headers = map[string]string{"X": strings.Repeat("y", maxHeaderValue+1)} }, "more than 8192 bytes"},
		{func(e *Endpoint) { e.Headers = manyHeaders() }, "65 headers are more than 64"},

		{func(e *Endpoint) { e.Subscription.ChangeTypes = 0 }, "no change type: subscribe to at least one of AssetChanged,MetafieldChanged"},
		{func(e *Endpoint) { e.Subscription.ChangeTypes = 64 }, "no change type"},
		{func(e *Endpoint) { e.Subscription.Events = []string{"AssetCreate"} }, `unknown event "AssetCreate"; did you mean AssetCreated?`},
		{func(e *Endpoint) { e.Subscription.Events = []string{"MetafieldCreated"} }, "event MetafieldCreated belongs to change type MetafieldChanged, which is not subscribed"},
		{func(e *Endpoint) { e.Subscription.Reasons = []string{"thumbs"} }, `unknown reason "thumbs"; did you mean thumb?`},
		{func(e *Endpoint) { e.Subscription.Fields, e.Subscription.ExcludeFields = []string{"a"}, []string{"b"} }, "fields and excluded fields are both given"},
		{func(e *Endpoint) { e.Subscription.Filter = "event.nope" }, "has no field nope"},

		{func(e *Endpoint) { e.Debounce = span(-1) }, "debounce -1ns is negative"},
		{func(e *Endpoint) { e.Debounce = span(7*day + 1) }, "is more than 168h"},
		{func(e *Endpoint) { e.MaxWait = span(-1) }, "max wait -1ns is negative"},
		{func(e *Endpoint) { e.MaxWait = span(8 * day) }, "max wait 192h is more than 168h"},
		{func(e *Endpoint) { e.Debounce, e.MaxWait = span(time.Minute), span(time.Second) }, "max wait 1s is less than debounce 1m"},
		{func(e *Endpoint) { e.Timeout = -1 }, "timeout -1ns is negative"},
		{func(e *Endpoint) { e.Timeout = MaxTimeout + 1 }, "timeout 1h0m0.000000001s is more than 1h"},
		{func(e *Endpoint) { e.ConnectTimeout = MaxTimeout + 1 }, "connect timeout"},
		{func(e *Endpoint) { e.Retry = Schedule{-1} }, "retry delay -1ns is negative"},
		{func(e *Endpoint) { e.Retry = Schedule{*span(31 * day)} }, "retry delay 744h is more than 720h"},
		{func(e *Endpoint) { e.Retry = make(Schedule, 101) }, "101 delays are more than 100"},

		{func(e *Endpoint) { e.Concurrency = -1 }, "concurrency -1 is not between 1 and 1024"},
		{func(e *Endpoint) { e.Concurrency = 1025 }, "concurrency 1025 is not between 1 and 1024"},
		{func(e *Endpoint) { e.Rate = -1 }, "rate -1 is not a number of requests a second"},
		{func(e *Endpoint) { e.Rate = math.NaN() }, "rate NaN"},
		{func(e *Endpoint) { e.Rate = math.Inf(1) }, "rate +Inf"},
		{func(e *Endpoint) { e.Description = strings.Repeat("x", maxDescription+1) }, "description is longer than 4096 bytes"},
		{func(e *Endpoint) { e.ClientCert = "/etc/cert.pem" }, "give client-cert and client-key"},
		{func(e *Endpoint) { e.ClientKey = "/etc/key.pem" }, "give client-cert and client-key"},
	} {
		ep := valid()
		c.change(&ep)
		if err := ep.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func manyHeaders() map[string]string {
	headers := make(map[string]string)
	for i := range maxHeaders + 1 {
		headers["X-"+strings.Repeat("a", i)] = ""
	}
	return headers
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	ep := Endpoint{Name: "a b", URL: "x", Concurrency: -1, ClientKey: "k", Headers: map[string]string{"B": "\n", "A": "\n"}}
	want := `endpoint name "a b": write 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit
url "x" has no scheme: write https:// or http:// before it
header A has a newline in its value
header B has a newline in its value
no change type: subscribe to at least one of AssetChanged,MetafieldChanged,TreeValueChanged,ComboValueChanged
concurrency -1 is not between 1 and 1024
a client certificate needs both its file and its key: give client-cert and client-key`
	if diff := cmp.Diff(want, ep.Validate().Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoErrorRepeatsASecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"https://dam:hunter2@shop.example:port/", "https://dam:hunt%er2@shop.example/", "https://dam:hunter2/x@shop.example/",
		"https://dam:hunter2@shop.example/#f", "dam:hunter2@shop.example", "ftp://dam:hunter2@shop.example/",
		"https://dam:hunter2@/", "//dam:hunter2@shop.example/", "http:dam:hunter2@shop.example",
	} {
		ep := valid()
		ep.URL = url
		ep.Headers = map[string]string{"X-Key": "hunter2\n", "X Y": "hunter2", "Host": "hunter2"}
		err := ep.Validate()
		if err == nil || strings.Contains(err.Error(), "hunt") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	ep := Endpoint{
		Headers:      map[string]string{"x-api-key": "1", "X-Other": "2", "AUTHORIZATION": "3"},
		Subscription: Subscription{Events: []string{"AssetExternalProcessingFinished", "AssetCreated", "nonsense"}},
	}
	ep.Normalize()
	if want := map[string]string{"X-Api-Key": "1", "X-Other": "2", "Authorization": "3"}; !maps.Equal(ep.Headers, want) {
		t.Errorf("headers %v", ep.Headers)
	}
	want := []string{"AssetExternalProccessingFinished", "AssetCreated", "nonsense"}
	if diff := cmp.Diff(want, ep.Subscription.Events); diff != "" || ep.Style != DefaultStyle {
		t.Errorf("style %s, events (-want +got):\n%s", ep.Style, diff)
	}
	again := Endpoint{Headers: map[string]string{"x-key": "1", "X-Key": "2"}}
	again.Normalize()
	if len(again.Headers) != 2 {
		t.Errorf("a header given twice became %v, which Validate can't see", again.Headers)
	}
}
