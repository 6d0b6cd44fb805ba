package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

func sampleStatus() api.Status {
	return api.Status{
		Version: "1.2.3", Started: now.Add(-time.Hour), Uptime: 11520.5,
		Events:   api.EventCounts{Ingested: 10054, Rejected: 3, Owed: 20108, Coalesced: 7310},
		Attempts: api.AttemptCounts{Delivered: 2744, Failed: 12},
		Debts:    api.DebtCounts{Retrying: 12, Failed: 3, Held: 7},
		Store:    api.StoreStatus{Path: "/var/lib/dz/dz.db", Size: 12 << 20, MaxSize: 20 << 30},
		Sources: []api.SourceStatus{
			{Name: "spool", Type: "file", Position: "/var/spool/dam/events.ndjson:1048576", CaughtUp: true},
			{Name: "broken", Type: "file", LagBytes: -1, Error: "open /var/spool/dam/other.ndjson: permission denied"},
		},
		Endpoints: []api.EndpointStatus{
			{Name: "shop", Style: "notify", State: "healthy", Delivered: 2744, LastSuccess: ago(3 * time.Second)},
			{
				Name: "search-index-of-the-museum", Style: "notify", State: "sick", Debts: 12, Failures: 3, Retrying: 12,
				LastSuccess: ago(26 * time.Hour), LastFailure: ago(time.Minute), NextAttempt: ago(-2 * time.Second),
				LastError: "dial tcp 192.0.2.1:443: connect: connection refused",
			},
			{Name: "old-1", Group: "old", Style: "notify", State: "disabled", Debts: 7},
		},
	}
}

func sampleEndpoints() []api.Endpoint {
	span := timespan.Span(30 * time.Second)
	return []api.Endpoint{
		{
			Name: "search-1", Group: "search", Style: "notify", URL: "https://search.example/hooks/dam?tenant=museum", Enabled: true, State: "sick",
			Description: "the search index\nof the museum", ChangeTypes: event.AssetChanged | event.MetafieldChanged,
			Events: []string{"AssetMetadataUpdated"}, Fields: []string{"title", "keywords"},
			Formats: []event.ID{event.IntID(50036), event.StringID("web")},
			Headers: map[string]string{"Authorization": "***", "X-Tenant": "***"}, Debounce: &span,
			Window: &api.Window{Debounce: span, MaxWait: timespan.Span(time.Minute)},
			Signing: []api.SigningSecret{
				{Secret: "***", Scheme: "ed25519", PublicKey: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="},
				{Secret: "***", Scheme: "hmac", Expires: ago(-23 * time.Hour)},
			},
			Retry: endpoint.DefaultSchedule(), Timeout: endpoint.DefaultTimeout, ConnectTimeout: endpoint.DefaultConnectTimeout,
			Concurrency: 8, Rate: 2.5, Created: now.Add(-48 * time.Hour), Updated: now.Add(-time.Hour),
			Options: map[string]json.RawMessage{"idName": json.RawMessage(`"base"`)},
		},
		{
			Name: "shop", Style: "notify", URL: "https://shop.example/", Enabled: true, State: "healthy",
			ChangeTypes: event.AssetChanged, Retry: endpoint.DefaultSchedule(), Timeout: endpoint.DefaultTimeout,
			ConnectTimeout: endpoint.DefaultConnectTimeout, Concurrency: 8,
			Created: now.Add(-time.Minute), Updated: now.Add(-time.Minute),
		},
	}
}

func sampleFailures() []api.Failure {
	object := api.Object{Kind: event.Asset, ItemID: event.IntID(9588), BaseID: event.IntID(16)}
	return []api.Failure{
		{
			ID: "01KAK7Z3M0000000000000002A", Endpoint: "shop", Object: object, ChangeType: "AssetChanged",
			EventType: "AssetMetadataUpdated", State: "failed", Reason: attempt.ServerError, Status: 503, Attempts: 10, Changes: 4,
			FirstSeen: now.Add(-76 * time.Hour), LastSeen: now.Add(-75 * time.Hour), LastAttempt: now.Add(-3 * time.Minute),
			Error: "503 Service Unavailable", Response: "<h1>sorry</h1>\r\n\x1b[31mred\x07\n",
		},
		{
			ID: "01KAK7Z3M0000000000000002B", Endpoint: "search-index-of-the-museum",
			Object:     api.Object{Kind: event.TreeValue, ItemID: event.StringID("vänster/höger"), BaseID: event.StringID("vänster/höger")},
			ChangeType: "TreeValueChanged", EventType: "TreeValueCreated", State: "retrying", Reason: attempt.Refusal, Attempts: 2,
			Changes: 1, FirstSeen: now.Add(-time.Hour), LastSeen: now.Add(-time.Hour), LastAttempt: now.Add(-30 * time.Second),
			NextAttempt: ago(-90 * time.Second), Error: "dial tcp 192.0.2.1:443: connect: connection refused",
		},
	}
}

func sampleEvents() []api.Event {
	return []api.Event{{
		Seq: 7, Received: now.Add(-5 * time.Second), From: "spool", ID: "9b1c", Source: "/dam/prod", Type: "AssetMetadataUpdated",
		Time: ago(6 * time.Second), Object: api.Object{Kind: event.Asset, ItemID: event.IntID(5000001), BaseID: event.IntID(1234)},
		Reason: "metadata", Change: "AssetChanged", Raw: json.RawMessage(`{"id":"9b1c","x":"\ud83d\ude00"}`),
	}}
}

func sampleRejected() []api.Rejected {
	return []api.Rejected{{
		Seq: 1, Time: now.Add(-2 * time.Minute), Source: "spool", File: "/var/spool/dam/events.ndjson", Offset: 4711, Length: 1 << 21,
		Reason: "the line is longer than 1048576 bytes", Line: "{\"id\":\"\x1b]0;gotcha\x07",
	}}
}

func sampleExchange() api.Exchange {
	return api.Exchange{
		Endpoint: "shop-1",
		Reason:   attempt.ServerError, Error: "500 Internal Server Error", Duration: 0.0123,
		Request: api.ExchangeRequest{
			Method: "POST", URL: "https://shop.example/", Headers: map[string]string{"Dz-Test": "1", "Authorization": "***"},
			Body: `{"ChangeType":1,"Data":{"ItemId":0,"BaseId":0}}`,
		},
		Response: &api.ExchangeResponse{Status: 500, Headers: map[string]string{"Content-Type": "text/plain"}, Body: "no\x1b[2J"},
	}
}

// pages are all that can be printed.
func pages() map[string]func(*Printer) error {
	health := sampleStatus().Endpoints[1]
	return map[string]func(*Printer) error{
		"status":         func(p *Printer) error { return p.Status(sampleStatus()) },
		"status_empty":   func(p *Printer) error { return p.Status(api.Status{Version: "1.2.3", Idle: true}) },
		"endpoints":      func(p *Printer) error { return p.Endpoints(sampleEndpoints()) },
		"endpoint":       func(p *Printer) error { return p.Endpoint(sampleEndpoints()[0], &health) },
		"failures":       func(p *Printer) error { return p.Failures(sampleFailures(), nil) },
		"failures_empty": func(p *Printer) error { return p.Failures(nil, nil) },
		"failure":        func(p *Printer) error { return p.Failure(sampleFailures()[0]) },
		"events":         func(p *Printer) error { return p.Events(sampleEvents()) },
		"rejected":       func(p *Printer) error { return p.Rejected(sampleRejected()) },
		"assets":         func(p *Printer) error { return p.Assets(sampleAssets()) },
		"asset":          func(p *Printer) error { return p.Asset(sampleAssets()[0]) },
		"asset_unseen":   func(p *Printer) error { return p.Asset(sampleAssets()[2]) },
		"store_stats":    func(p *Printer) error { return p.StoreStats(sampleStoreStats()) },
		"store_sound":    func(p *Printer) error { return p.StoreCheck(sampleStoreCheck(nil)) },
		"store_damaged":  func(p *Printer) error { return p.StoreCheck(sampleStoreCheck(sampleFaults())) },
		"store_restored": func(p *Printer) error { return p.StoreRestored(sampleRestored()) },
		"exchanges": func(p *Printer) error {
			return p.Exchanges([]api.Exchange{sampleExchange(), {Endpoint: "shop-2\x1b[2J", Delivered: true, Reason: attempt.OK}})
		},
		"held_of_all":    func(p *Printer) error { return p.HeldDeletionsOfAll([]api.HeldPage{sampleHeld(), {Endpoint: "cms"}}) },
		"exchange":       func(p *Printer) error { return p.Exchange(sampleExchange()) },
		"managed":        func(p *Printer) error { return p.Endpoint(sampleManaged()) },
		"status_managed": func(p *Printer) error { return p.Status(sampleManagedStatus()) },
		"tracked":        func(p *Printer) error { return p.Tracked(sampleTracked()) },
		"tracked_asset":  func(p *Printer) error { return p.TrackedAsset(sampleTrackedDetail()) },
		"held":           func(p *Printer) error { return p.HeldDeletions(sampleHeld()) },
		"held_none": func(p *Printer) error {
			return p.HeldDeletions(api.HeldPage{Endpoint: "pim", Deletions: []api.HeldDeletion{}})
		},
		"endpoints_held": func(p *Printer) error {
			ep, _ := sampleManaged()
			return p.Endpoints([]api.Endpoint{ep, sampleEndpoints()[1]})
		},
		"filter_trial": func(p *Printer) error { return p.FilterTrial(sampleTrial()) },
		"error": func(p *Printer) error {
			return p.Error(api.Error{Code: api.CodeNotFound, Message: "no endpoint shp; did you mean shop?", Hint: "'dz endpoint list' shows what there is"})
		},
	}
}

func TestPagesLookAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, show := range pages() {
		for _, variant := range []struct {
			suffix string
			with   Printer
		}{
			{"60", Printer{Width: 60}},
			{"80", Printer{Width: 80}},
			{"120", Printer{Width: 120}},
			{"pipe", Printer{}},
			{"colour", Printer{Width: 120, Color: true}},
			{"json", Printer{Format: JSON}},
			{"yaml", Printer{Format: YAML}},
			{"name", Printer{Format: Name}},
		} {
			t.Run(name+"/"+variant.suffix, func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				p := variant.with
				p.Out, p.Now = &out, now
				if err := show(&p); err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+variant.suffix, out.Bytes())
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestListsFitTheTerminalAtAnyWidth(t *testing.T) {
	t.Parallel()
	for name, narrowest := range map[string]int{"status": 50, "endpoints": 55, "failures": 60, "events": 50, "rejected": 50, "store_stats": 70, "assets": 50} {
		for width := narrowest; width <= 200; width++ {
			var out bytes.Buffer
			if err := pages()[name](&Printer{Out: &out, Width: width, Color: true, Now: now}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if got := ansi.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
					t.Fatalf("%s at width %d has a line of %d:\n%s", name, width, got, line)
				}
			}
		}
	}
}

func TestNoControlCharacterReachesTheTerminal(t *testing.T) {
	t.Parallel()
	for name, show := range pages() {
		var out bytes.Buffer
		if err := show(&Printer{Out: &out, Now: now}); err != nil {
			t.Fatal(err)
		}
		if at := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unsafe(r) }); at >= 0 {
			t.Errorf("%s prints a control character: %q", name, out.String()[at:])
		}
	}
}

func TestEveryJSONListIsAnArray(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &Printer{Out: &out, Format: JSON, Now: now}
	for _, show := range []func() error{
		func() error { return p.Endpoints(nil) }, func() error { return p.Failures(nil, nil) },
		func() error { return p.Events(nil) }, func() error { return p.Rejected(nil) }, func() error { return p.Assets(nil) }, func() error { return p.Tracked(nil) },
	} {
		out.Reset()
		if err := show(); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.String()); got != "[]" {
			t.Errorf("no items are %s, want []", got)
		}
	}
}

// failing is a stream whose reader has gone.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestABrokenPipeIsAnError(t *testing.T) {
	t.Parallel()
	if err := (&Printer{Out: failing{}}).Result(nil, "", "done"); err == nil {
		t.Error("nothing was written and nothing is said")
	}
}

func TestRelativeTimes(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "now", 999 * time.Millisecond: "now", time.Second: "1s ago", 59 * time.Second: "59s ago", time.Minute: "1m ago",
		3*time.Hour + 59*time.Minute: "3h ago", 47 * time.Hour: "1d ago", 800 * 24 * time.Hour: "2y ago",
		-2 * time.Second: "in 2s", -90 * time.Minute: "in 1h",
	} {
		if got := relative(now.Add(-d), now); got != want {
			t.Errorf("%s before now is %q, want %q", d, got, want)
		}
	}
	if got := relative(time.Time{}, now); got != "" {
		t.Errorf("no time is %q, want nothing", got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		count(0): "0", count(999): "999", count(1000): "1,000", count(1234567): "1,234,567",
		size(-1): "unknown", size(1023): "1023 B", size(1024): "1.0 KiB", size(12 << 20): "12 MiB", size(3 << 40): "3.0 TiB",
		span(1500 * time.Microsecond): "1ms", span(59 * time.Second): "59s", span(61 * time.Second): "1m1s",
		span(time.Hour): "1h", span(50 * time.Hour): "2d2h", Count(1, "debt"): "1 debt", Count(2000, "debt"): "2,000 debts",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestYAMLSaysWhatJSONSays(t *testing.T) {
	t.Parallel()
	value := map[string]any{
		"text": "yes", "number": 1.5, "whole": 12345678901234567, "empty": []string{}, "none": nil, "flag": true,
		"lines": "a\nb\n", "control": "\u0085\x1b", "nested": map[string]any{"list": []any{1, "1", nil}},
	}
	var text bytes.Buffer
	if err := writeYAML(&text, value); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := yaml.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	want := map[string]any{
		"text": "yes", "number": 1.5, "whole": 12345678901234567, "empty": []any{}, "none": nil, "flag": true,
		"lines": "a\nb\n", "control": "\u0085\x1b", "nested": map[string]any{"list": []any{1, "1", nil}},
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("YAML (-want +got):\n%s\n%s", diff, text.String())
	}
}

func ExamplePrinter_Result() {
	var out bytes.Buffer
	p := &Printer{Out: &out, Format: Name}
	if err := p.Result(struct{}{}, "shop", "endpoint shop added"); err != nil {
		fmt.Println(err)
	}
	fmt.Print(out.String())
	// Output: shop
}
