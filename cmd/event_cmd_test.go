package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestEmitMakesAnEventOfFlags(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{Accepted: 1}})
	d.run(t, "", nil, "event", "emit", "--type", "AssetMetadataUpdated", "--item", "9588", "--base", `"16"`, "--field", "title",
		"--field", "keywords, all", "--format", "50036,50038", "--channel", "42", "--user", "u1", "--reason", "caption",
		"--data", `{"asset": {"title": "x"}, "itemId": 9588}`, "--id", "e1", "--source", "/dam").
		wants(t, ExitDone, "event e1 accepted", "")
	body := d.asked()[0].Body
	e, err := event.Decode([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if e.ID != "e1" || e.Source != "/dam" || !e.Time.Equal(now) || e.Subject != "asset/16" || e.Reason != "caption" {
		t.Errorf("event %s", body)
	}
	want := event.Object{Kind: event.Asset, ItemID: event.IntID(9588), BaseID: event.StringID("16")}
	if e.Object != want {
		t.Errorf("object %+v, want %+v", e.Object, want)
	}
	if diff := cmp.Diff([]string{"title", "keywords, all"}, e.ChangedFields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if len(e.Formats) != 2 || len(e.Channels) != 1 {
		t.Errorf("formats %v, channels %v", e.Formats, e.Channels)
	}
	if string(e.Asset) != `{"title":"x"}` {
		t.Errorf("asset %s", e.Asset)
	}
}

func TestEmitGivesEveryEventAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{Accepted: 1}})
	first := d.run(t, "", nil, "event", "emit", "--type", "AssetCreated", "--item", "1", "-o", "name")
	second := d.run(t, "", nil, "event", "emit", "--type", "AssetCreated", "--item", "1", "-o", "name")
	if len(first.stdout) != 27 || first.stdout == second.stdout {
		t.Errorf("ids %q and %q, want two ULIDs", first.stdout, second.stdout)
	}
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(d.asked()[0].Body), &e); err != nil || e.ID+"\n" != first.stdout {
		t.Errorf("sent id %q, printed %q", e.ID, first.stdout)
	}
}

func TestEmitTakesFilesAndStdin(t *testing.T) {
	t.Parallel()
	const lines = "{\"id\":1}\n{\"id\":2}\n"
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{Accepted: 2}})
	d.run(t, lines, nil, "event", "emit", "-").wants(t, ExitDone, "2 events accepted", "")
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, "", nil, "event", "emit", file).wants(t, ExitDone, "2 events accepted", "")
	for _, r := range d.asked() {
		if r.Body != lines {
			t.Errorf("sent %q, want %q", r.Body, lines)
		}
	}
	d.run(t, "", nil, "event", "emit", file+"x").wants(t, ExitUsage, "", "no such file")
}

func TestWhatIsRejectedFailsTheCommand(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{
		Accepted: 1, RejectedCount: 2, Rejected: []api.Rejected{{Offset: 17, Reason: "the line is empty"}},
	}})
	got := d.run(t, "x\n", nil, "event", "emit", "-")
	got.wants(t, ExitFailed, "1 event accepted", "rejected at byte 17: the line is empty")
	got.wants(t, ExitFailed, "1 event accepted", "2 lines rejected: see 'dz event rejected'")
}

// Who reads JSON gets one object from each stream.
func TestWhatIsRejectedAsJSON(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{
		Accepted: 1, RejectedCount: 1, Rejected: []api.Rejected{{Offset: 17, Reason: "the line is empty"}},
	}})
	got := d.run(t, "x\n", nil, "event", "emit", "-", "-o", "json")
	got.wants(t, ExitFailed, `"reason": "the line is empty"`, `"code": "invalid"`)
	sameJSON(t, got.stderr, `{"error": {"code": "invalid", "message": "1 line rejected", "hint": "see 'dz event rejected'"}}`)
}

func TestEmitTellsTheIDAsJSON(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{Accepted: 1, Rejected: []api.Rejected{}}})
	got := d.run(t, "", nil, "event", "emit", "--type", "AssetCreated", "--item", "1", "--id", "e1", "-o", "json")
	sameJSON(t, got.stdout, `{"accepted": 1, "rejectedCount": 0, "rejected": [], "id": "e1"}`)
}

func TestEmitRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{}, "needs --type and --item, or a file"},
		{[]string{"--type", "AssetCreated"}, "needs --type and --item"},
		{[]string{"-", "--item", "1"}, "takes either a file or --type and --item"},
		{[]string{"a", "b"}, "takes one file"},
		{[]string{"--type", "AssetCreatd", "--item", "1"}, "--type: unknown event \"AssetCreatd\"; did you mean AssetCreated?"},
		{[]string{"--type", "AssetCreated", "--item", "1", "--reason", "metdata"}, "--reason: unknown reason \"metdata\"; did you mean metadata?\n"},
		{[]string{"--type", "AssetCreated", "--item", "1", "--reason", "bogus"}, "--reason: unknown reason \"bogus\": write one of "},
		{[]string{"--type", "AssetCreated", "--item", "1.5"}, "--item: 1.5 is no whole number: write '\"1.5\"' if it is a text"},
		{[]string{"--type", "AssetCreated", "--item", "5", "--data", `{"itemId":6}`}, "--item and --data contradict each other: itemId is 5 and 6: leave one of them out"},
		{[]string{"--type", "AssetCreated", "--item", "1", "--reason", "metadata", "--data", `{"reason":"delete"}`}, "--reason and --data contradict"},
		{[]string{"--type", "AssetCreated", "--item", "1", "--data", "[]"}, "--data: not a JSON object"},
		{[]string{"--type", "AssetCreated", "--item", "1", "--data", "null"}, "--data: not a JSON object"},
		{[]string{"--type", "AssetCreated", "--item", `""`}, "--item:"},
	} {
		run(t, "", nil, append([]string{"event", "emit"}, tt.args...)...).wants(t, ExitUsage, "", tt.want)
	}
}

func TestEventLists(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /events": api.EventPage{Events: []api.Event{{
			Type: "AssetCreated", Received: now, Object: api.Object{Kind: event.Asset, ItemID: event.IntID(1), BaseID: event.IntID(2)},
			Raw: json.RawMessage("{}"),
		}}},
		"GET /events/rejected": api.RejectedPage{Rejected: []api.Rejected{{File: "/x.ndjson", Offset: 7, Reason: "the line is empty", Time: now}}},
	})
	d.run(t, "", nil, "event", "list", "--type", "AssetExternalProcessingFinished", "--object", "asset/2", "--since", "1h").
		wants(t, ExitDone, "asset/2", "")
	d.run(t, "", nil, "event", "rejected", "-o", "name").wants(t, ExitDone, "/x.ndjson:7\n", "")
	want := []string{
		// The type is sent as the DAM spells it.
		"GET /events?limit=21&object=asset%2F2&since=2026-11-21T09%3A00%3A00Z&type=AssetExternalProccessingFinished",
		"GET /events/rejected?limit=21",
	}
	if diff := cmp.Diff(want, d.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	d.run(t, "", nil, "event", "list", "--type", "x").wants(t, ExitUsage, "", "--type: unknown event")
	d.run(t, "", nil, "event", "list", "--since", "soon").wants(t, ExitUsage, "", `--since: "soon" is no time`)
	empty := newFakeDaemon(t, map[string]any{"GET /events": api.EventPage{}, "GET /events/rejected": api.RejectedPage{}})
	empty.run(t, "", nil, "events", "ls").wants(t, ExitDone, "", "no recent events")
	empty.run(t, "", nil, "event", "rejected").wants(t, ExitDone, "", "no rejected lines")
}

func TestReplaySaysHowFarBackItReached(t *testing.T) {
	t.Parallel()
	from := now.Add(-time.Hour)
	d := newFakeDaemon(t, map[string]any{"POST /events/replay": api.ReplayResult{Events: 10, Owed: 7, From: &from}})
	d.run(t, "", nil, "event", "replay", "--since", "2h", "--endpoint", "shop").
		wants(t, ExitDone, "10 events looked at, 7 changes owed again, to be told together per object", "the oldest event still kept is of 2026-11-21 09:00:00")
	sameJSON(t, d.asked()[0].Body, `{"since": "2026-11-21T08:00:00Z", "endpoint": "shop"}`)
	d.run(t, "", nil, "event", "replay").wants(t, ExitUsage, "", "needs --since")
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "0": now, "7d": now.AddDate(0, 0, -7), "00:30:00": now.Add(-30 * time.Minute),
		"2026-11-20": time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), "2026-11-20 08:15": time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC),
		"2026-11-20T08:15:00+01:00": time.Date(2026, 11, 20, 7, 15, 0, 0, time.UTC),
	} {
		got, err := parseWhen(text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-2h", "5", "-3d", "tomorrow", "2026-13-01"} {
		if got, err := parseWhen(text, now); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}
