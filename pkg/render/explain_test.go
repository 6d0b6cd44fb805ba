package render

import (
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestExplanation(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	e := api.Event{ID: "e2", From: "spool", Type: "AssetMetadataUpdated", Reason: "metadata", Object: liveAsset(), Received: at}
	earlier := e
	earlier.ID, earlier.Received = "e1", at.Add(-time.Hour)
	explanation := api.Explanation{
		Event: &e, Object: "asset/16", Recent: []api.Event{e, earlier},
		Endpoints: []api.EndpointExplanation{{
			Endpoint: "shop", State: "healthy", Verdict: api.ToldNotWanted, Text: "no subscribed field changed\x1b[2J",
			Steps: []api.ExplainStep{
				{Step: "there", OK: true, Text: "added before"},
				{Step: "fields", Wants: "title", Text: "no subscribed field changed"},
				{Step: "endpoint", OK: true},
			},
			Owed: []api.Owed{{EventType: "thumb", EventReason: "thumb", State: api.ToldWaiting, Text: "it waits"}},
		}},
	}
	for format, want := range map[Format]string{
		Name: "shop\n",
		Table: `asset/16: by its latest event
Event     e2 from spool
Type      AssetMetadataUpdated
Reason    metadata
Object    asset/16, item 9588
Received  2026-11-21T10:00:00Z (1m ago)
  before that AssetMetadataUpdated, 1h ago, id e1

shop  not-wanted  no subscribed field changed` + "\uFFFD" + `[2J
  ok  there     added before
  no  fields    title: no subscribed field changed
  ok  endpoint  healthy
  owed  thumb  waiting  it waits
`,
	} {
		var out strings.Builder
		if err := (&Printer{Out: &out, Format: format, Now: at.Add(time.Minute)}).Explanation(explanation); err != nil || out.String() != want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", format, err, out.String(), want)
		}
	}
	var out strings.Builder
	if err := (&Printer{Out: &out, Now: at}).Explanation(api.Explanation{Object: "asset/9", KeptFrom: &at}); err != nil || out.String() != "asset/9: no event of it is kept; those that are kept go back to 2026-11-21T10:00:00Z (now)\n\nthere is no endpoint\n" {
		t.Errorf("of nothing: %v, %q", err, out.String())
	}
}
