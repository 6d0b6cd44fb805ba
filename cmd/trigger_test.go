package cmd

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestTriggerMakesEveryEventThatThereIs(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /events": api.EmitResult{Accepted: 1}})
	for _, name := range event.TypeNames(event.AllChanges) {
		dry := d.run(t, "", nil, "trigger", name, "--dry-run")
		e, err := event.Decode([]byte(strings.TrimSpace(dry.stdout)))
		if dry.code != ExitDone || err != nil {
			t.Errorf("%s: exit code %d, %v: %s", name, dry.code, err, dry.stderr)
			continue
		}
		if e.Type != name || e.Time != now || e.ID == "" || e.Subject != e.Object.String() || e.User.IsZero() {
			t.Errorf("%s makes %s", name, dry.stdout)
		}
		if e.Object.Kind != event.Asset {
			continue
		}
		var asset map[string]any
		if e.Asset != nil {
			if err := json.Unmarshal(e.Asset, &asset); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if e.Reason == "" || (e.Asset == nil) != e.IsDelete() || e.StreamType == "" || e.Domain.IsZero() {
			t.Errorf("%s makes %s", name, dry.stdout)
		}
		if _, has := asset["exports"]; has != strings.HasPrefix(name, "export") {
			t.Errorf("%s: it is %t that the asset has exports", name, has)
		}
	}
	for _, line := range d.lines() {
		if strings.HasPrefix(line, "POST") {
			t.Error("a dry run gives the daemon an event")
		}
	}
}

func TestTriggerTakesTheAssetAsItIsKnown(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"POST /events":   api.EmitResult{Accepted: 1},
		"GET /assets/17": api.Asset{ID: event.IntID(17), ItemID: event.StringID("i-1"), Data: []byte(`{"title":"Kayak","n":12345678901234567890}`)},
	})
	d.run(t, "", nil, "trigger", "exportupdated", "--asset", "17", "--set", "data.asset.title=Red kayak", "--set", "data.new.deep=[1,2.50]", "--set", `data.user="7"`, "--set", "id=mine").
		wants(t, ExitDone, "event mine accepted", "")
	requests := d.asked()
	e, err := event.Decode([]byte(strings.TrimSpace(requests[len(requests)-1].Body)))
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "mine" || e.Object.ItemID != event.StringID("i-1") || e.Reason != "exportupdated" || e.User != event.StringID("7") {
		t.Errorf("the event is %s", e.Raw)
	}
	for _, want := range []string{`"title":"Red kayak"`, `"n":12345678901234567890`, `"new":{"deep":[1,2.50]}`, `"exports":[{`} {
		if !strings.Contains(string(e.Raw), want) {
			t.Errorf("the event has no %s: %s", want, e.Raw)
		}
	}
}

func TestTriggerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, nil)
	for want, args := range map[string][]string{
		`unknown reason or type "thum"; did you mean thumb?`:   {"thum"},
		"write one of AssetCreated, ":                          {"xyzzyxyzzy"},
		"trigger needs REASON|TYPE":                            {},
		"write PATH=VALUE":                                     {"thumb", "--set", "data.user"},
		"data.user is no object":                               {"thumb", "--set", "data.user.name=x"},
		"there is an empty name in the path":                   {"thumb", "--set", "data..name=x"},
		"--set makes it no event: unknown type":                {"thumb", "--set", "type=thum"},
		"--set makes it no event: data.asset is not an object": {"thumb", "--set", "data.asset=[]"},
		"--asset: 1.5 is no whole number":                      {"thumb", "--asset", "1.5"},
	} {
		d.run(t, "", nil, slices.Concat([]string{"trigger"}, args)...).wants(t, ExitUsage, "", want)
	}
	d = newFakeDaemon(t, map[string]any{"GET /assets/1234": &api.Error{Code: api.CodeForbidden, Message: "not for you"}})
	d.run(t, "", nil, "trigger", "thumb").wants(t, ExitForbidden, "", "not for you")
}

func TestTriggerWaitsForAProbeThatIsAboutToBeMade(t *testing.T) {
	t.Parallel()
	explanation := api.Explanation{
		Event:     &api.Event{ID: "mine", Received: now},
		Endpoints: []api.EndpointExplanation{{Endpoint: "shop", State: "sick", Verdict: api.ToldDue, Text: "it is due"}},
	}
	for name, tt := range map[string]struct {
		probe  time.Time
		stderr string
	}{
		"yet to come": {now.Add(time.Hour), "event mine accepted\n"},
		"now":         {now, "event mine accepted\nstill waiting for shop after 1ms\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFakeDaemon(t, map[string]any{
				"POST /events": api.EmitResult{Accepted: 1},
				"GET /explain": explanation,
				"GET /status":  api.Status{Endpoints: []api.EndpointStatus{{Name: "shop", State: "sick", NextAttempt: &tt.probe}}},
			})
			got := d.run(t, "", nil, "trigger", "thumb", "--set", "id=mine", "--wait", "--timeout", "1ms")
			got.wants(t, ExitFailed, "shop  due  it is due\n", "event mine accepted")
			if got.stderr != tt.stderr {
				t.Errorf("stderr is %q, want %q", got.stderr, tt.stderr)
			}
		})
	}
}

// Once it is told, nothing is known any more of an asset that was deleted.
func TestTriggerListsADeletionThatMayHaveBeenTold(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"POST /events": api.EmitResult{Accepted: 1},
		"GET /explain": api.Explanation{
			Event: &api.Event{ID: "mine", Received: now},
			Endpoints: []api.EndpointExplanation{
				{Endpoint: "pim", Verdict: api.ToldUnknown, Text: "it was told to delete the asset, or never knew of it"},
				{Endpoint: "shop", Verdict: api.ToldSkipped, Text: "it was not told"},
			},
		},
	})
	got := d.run(t, "", nil, "trigger", "delete", "--set", "id=mine", "--wait")
	got.wants(t, ExitDone, "pim  unknown  it was told to delete the asset, or never knew of it\n", "event mine accepted\n")
	if strings.Contains(got.stdout+got.stderr, "shop") || strings.Contains(got.stderr, "no endpoint wants it") {
		t.Errorf("%s%s", got.stdout, got.stderr)
	}
}
