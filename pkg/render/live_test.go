package render

import (
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func liveAsset() api.Object {
	return api.Object{Kind: event.Asset, ItemID: event.IntID(9588), BaseID: event.IntID(16)}
}

func TestEventLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 10, 0, 0, 5e6, time.UTC)
	e := api.Event{
		Received: at, From: "spool", ID: "9b1c\x1b[2J", Type: "AssetMetadataUpdated", Reason: "metadata", Object: liveAsset(),
		Raw: []byte(`{"x":"<ü>"}`),
	}
	for format, want := range map[Format]string{
		Table: "11:00:00.005  AssetMetadataUpdated  asset/16  item 9588  (metadata)  from spool, id 9b1c\uFFFD[2J\n",
		Name:  "9b1c\uFFFD[2J\n",
		JSON:  `{"seq":0,"received":"2026-11-21T10:00:00.005Z","from":"spool","id":"9b1c\u001b[2J","source":"","type":"AssetMetadataUpdated","time":null,"object":{"kind":"asset","itemId":9588,"baseId":16},"reason":"metadata","changeType":"","event":{"x":"<ü>"}}` + "\n",
	} {
		var out strings.Builder
		p := Printer{Out: &out, Format: format, Now: at.In(time.FixedZone("", 3600))}
		if err := p.EventLine(e); err != nil || out.String() != want {
			t.Errorf("%s: %q, %v\nwant %q", format, out.String(), err, want)
		}
	}
}

func TestAttemptLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	next := at.Add(6 * time.Second)
	a := api.Attempt{Time: at, Object: liveAsset(), EventType: "AssetDeleted", EventReason: "delete", Changes: 3, Attempt: 2, Duration: 0.012}
	var several strings.Builder
	if err := (&Printer{Out: &several}).AttemptLine(api.Attempt{Time: at, Endpoint: "web-2", Object: liveAsset()}, true); err != nil {
		t.Fatal(err)
	}
	if want := "10:00:00.000  web-2  asset/16  "; !strings.HasPrefix(several.String(), want) {
		t.Errorf("got %q, want the endpoint's name in it", several.String())
	}
	for _, tt := range []struct {
		change func(*api.Attempt)
		want   string
	}{
		{func(a *api.Attempt) {
			a.Verdict, a.Reason, a.Status, a.State = "delivered", "ok", 204, api.DebtDelivered
		}, "delivered 204  in 12ms\n"},
		{func(a *api.Attempt) {
			a.Verdict, a.Reason, a.Status, a.State, a.NextAttempt = "unavailable", "server-error", 503, api.DebtRetrying, &next
			a.Error = "503\nno"
		}, "unavailable server-error 503  in 12ms  next try in 5s  503 no\n"},
		{func(a *api.Attempt) { a.Verdict, a.Reason, a.State = "unavailable", "dns", api.DebtFailed }, "unavailable dns  in 12ms  failed: no more tries\n"},
		{func(a *api.Attempt) {
			a.Verdict, a.Reason, a.State, a.NextAttempt = "delivered", "ok", api.DebtWaiting, &next
		}, "delivered  in 12ms  a newer change in 5s\n"},
		{func(a *api.Attempt) { a.Verdict, a.Reason, a.State = "delivered", "ok", api.DebtDropped }, "delivered  in 12ms  no longer owed\n"},
	} {
		told := a
		tt.change(&told)
		var out strings.Builder
		if err := (&Printer{Out: &out}).AttemptLine(told, false); err != nil {
			t.Fatal(err)
		}
		if want := "10:00:00.000  asset/16  AssetDeleted (delete)  3 changes  attempt 2  " + tt.want; out.String() != want {
			t.Errorf("got %q\nwant %q", out.String(), want)
		}
	}
}
