package endpoint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/event"
)

// decode makes an event of a type and the members of its data.
func decode(t testing.TB, typeName, data string) *event.Event {
	t.Helper()
	line := fmt.Sprintf(`{"specversion":"1.0","id":"9b1c","source":"/dam/prod","type":%q,"subject":"asset/1234",
		"data":{"itemId":5000001,"baseId":1234%s}}`, typeName, data)
	e, err := event.Decode([]byte(strings.ReplaceAll(line, "\n", " ")))
	if err != nil {
		t.Fatal(err)
	}
	return &e
}

func compile(t testing.TB, s Subscription) *Matcher {
	t.Helper()
	m, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	const all = event.AllChanges
	for name, c := range map[string]struct {
		sub    Subscription
		event  string
		data   string
		refuse string // a part of the reason; "" if wanted
	}{
		// changeTypes
		"the change type":                   {Subscription{ChangeTypes: event.AssetChanged}, "AssetCreated", ``, ""},
		"one of the change types":           {Subscription{ChangeTypes: event.AssetChanged | event.ComboValueChanged}, "ComboValueDeleted", ``, ""},
		"another change type":               {Subscription{ChangeTypes: event.MetafieldChanged}, "AssetCreated", ``, "change type AssetChanged is not subscribed"},
		"a reason is an asset's":            {Subscription{ChangeTypes: event.AssetChanged}, "thumb", ``, ""},
		"a reason is nobody else's":         {Subscription{ChangeTypes: event.TreeValueChanged}, "thumb", ``, "change type AssetChanged is not subscribed"},
		"an event that is spelt both ways":  {Subscription{ChangeTypes: all, Events: []string{"AssetExternalProccessingFinished"}}, "AssetExternalProcessingFinished", ``, ""},
		"deletion is a change like another": {Subscription{ChangeTypes: all}, "AssetDeleted", ``, ""},

		// events
		"the event":           {Subscription{ChangeTypes: all, Events: []string{"AssetDeleted"}}, "AssetDeleted", ``, ""},
		"one of the events":   {Subscription{ChangeTypes: all, Events: []string{"AssetDeleted", "MetafieldCreated"}}, "MetafieldCreated", ``, ""},
		"another event":       {Subscription{ChangeTypes: all, Events: []string{"AssetDeleted"}}, "AssetCreated", ``, "event AssetCreated is not subscribed"},
		"an event's own type": {Subscription{ChangeTypes: event.AssetChanged, Events: []string{"MetafieldCreated"}}, "MetafieldCreated", ``, "change type"},

		// fields, included
		"a subscribed field":           {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetMetadataUpdated", `,"changedFields":["title"]`, ""},
		"one subscribed field of many": {Subscription{ChangeTypes: all, Fields: []string{"title", "x"}}, "AssetMetadataUpdated", `,"changedFields":["a","title"]`, ""},
		"no subscribed field":          {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetMetadataUpdated", `,"changedFields":["description"]`, "no subscribed field changed"},
		"a field known by its number":  {Subscription{ChangeTypes: all, Fields: []string{"10024"}}, "AssetMetadataUpdated", `,"changedFields":[10024]`, ""},
		"names have a case":            {Subscription{ChangeTypes: all, Fields: []string{"Title"}}, "AssetMetadataUpdated", `,"changedFields":["title"]`, "no subscribed field changed"},
		"no changedFields":             {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetMetadataUpdated", ``, ""},
		"changedFields null":           {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetMetadataUpdated", `,"changedFields":null`, ""},
		"changedFields empty":          {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetMetadataUpdated", `,"changedFields":[]`, ""},
		"fields of no metadata change": {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "AssetFolderUpdated", `,"changedFields":["folder"]`, ""},
		"fields of a metafield":        {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "MetafieldMetadataUpdated", `,"changedFields":["label"]`, "no subscribed field changed"},
		"fields of a tree value":       {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "TreeValueMetadataUpdated", `,"changedFields":["label"]`, "no subscribed field changed"},
		"fields of a combo value":      {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "ComboValueMetadataUpdated", `,"changedFields":["label"]`, "no subscribed field changed"},
		"fields of reason metadata":    {Subscription{ChangeTypes: all, Fields: []string{"title"}}, "metadata", `,"changedFields":["label"]`, "no subscribed field changed"},

		// fields, excluded
		"only an excluded field":      {Subscription{ChangeTypes: all, ExcludeFields: []string{"views"}}, "AssetMetadataUpdated", `,"changedFields":["views"]`, "only excluded fields changed"},
		"an excluded field among all": {Subscription{ChangeTypes: all, ExcludeFields: []string{"views"}}, "AssetMetadataUpdated", `,"changedFields":["views","title"]`, ""},
		"only excluded fields":        {Subscription{ChangeTypes: all, ExcludeFields: []string{"views", "likes", "x"}}, "AssetMetadataUpdated", `,"changedFields":["likes","views"]`, "only excluded fields changed"},
		"excluded, nothing named":     {Subscription{ChangeTypes: all, ExcludeFields: []string{"views"}}, "AssetMetadataUpdated", ``, ""},
		"excluded, no metadata":       {Subscription{ChangeTypes: all, ExcludeFields: []string{"views"}}, "AssetSecurityUpdated", `,"changedFields":["views"]`, ""},

		// formats
		"a subscribed format":         {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(50036)}}, "AssetProfilePublished", `,"formats":[50035,50036]`, ""},
		"another format":              {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(50036)}}, "AssetProfilePublished", `,"formats":[50035]`, "no subscribed format was published"},
		"a format that is a string":   {Subscription{ChangeTypes: all, Formats: []event.ID{event.StringID("web")}}, "AssetProfilePublished", `,"formats":["web"]`, ""},
		"5 and \"5\" are different":   {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(5)}}, "AssetProfilePublished", `,"formats":["5"]`, "no subscribed format was published"},
		"formats not named":           {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(50036)}}, "AssetProfilePublished", ``, ""},
		"formats of another event":    {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(50036)}}, "AssetMetadataUpdated", `,"formats":[50035]`, ""},
		"formats and another changed": {Subscription{ChangeTypes: all, Formats: []event.ID{event.IntID(50036)}}, "AssetDeleted", ``, ""},

		// channels
		"a subscribed channel": {Subscription{ChangeTypes: all, Channels: []event.ID{event.IntID(42)}}, "AssetMetadataUpdated", `,"channels":[41,42]`, ""},
		"another channel":      {Subscription{ChangeTypes: all, Channels: []event.ID{event.IntID(42)}}, "AssetMetadataUpdated", `,"channels":[41]`, "no subscribed channel is concerned"},
		"channels not named":   {Subscription{ChangeTypes: all, Channels: []event.ID{event.IntID(42)}}, "AssetFolderUpdated", ``, ""},

		// reasons
		"a subscribed reason":           {Subscription{ChangeTypes: all, Reasons: []string{"thumb"}}, "thumb", ``, ""},
		"another reason":                {Subscription{ChangeTypes: all, Reasons: []string{"thumb"}}, "AssetMetadataUpdated", ``, "reason metadata is not subscribed"},
		"the reason of a type":          {Subscription{ChangeTypes: all, Reasons: []string{"delete"}}, "AssetDeleted", ``, ""},
		"the reason that data names":    {Subscription{ChangeTypes: all, Reasons: []string{"approved"}}, "AssetMetadataUpdated", `,"reason":"approved"`, ""},
		"the type's reason gives way":   {Subscription{ChangeTypes: all, Reasons: []string{"metadata"}}, "AssetMetadataUpdated", `,"reason":"approved"`, "reason approved is not subscribed"},
		"what has no reason is not cut": {Subscription{ChangeTypes: all, Reasons: []string{"thumb"}}, "MetafieldCreated", ``, ""},

		// filter, and all together
		"a filter that holds":        {Subscription{ChangeTypes: all, Filter: `event.baseId == 1234`}, "AssetCreated", ``, ""},
		"a filter that does not":     {Subscription{ChangeTypes: all, Filter: `event.baseId == 1`}, "AssetCreated", ``, "the filter excludes it"},
		"everything has to hold":     {Subscription{ChangeTypes: all, Fields: []string{"title"}, Channels: []event.ID{event.IntID(42)}, Filter: `event.user == 7`}, "AssetMetadataUpdated", `,"changedFields":["title"],"channels":[42],"user":7`, ""},
		"one that does not, decides": {Subscription{ChangeTypes: all, Fields: []string{"title"}, Channels: []event.ID{event.IntID(42)}, Filter: `event.user == 7`}, "AssetMetadataUpdated", `,"changedFields":["title"],"channels":[43],"user":7`, "channel"},
	} {
		wanted, why := compile(t, c.sub).Match(decode(t, c.event, c.data))
		if wanted != (c.refuse == "") || !strings.Contains(why, c.refuse) || wanted && why != "" {
			t.Errorf("%s: wanted %v, %q; want %q", name, wanted, why, c.refuse)
		}
	}
}

func TestEveryEventBelongsToItsChangeTypeAlone(t *testing.T) {
	t.Parallel()
	for _, subscribed := range []event.ChangeType{event.AssetChanged, event.MetafieldChanged, event.TreeValueChanged, event.ComboValueChanged} {
		matcher := compile(t, Subscription{ChangeTypes: subscribed})
		for _, name := range event.TypeNames(event.AllChanges) {
			_, of, err := event.ParseType(name)
			if err != nil {
				t.Fatal(err)
			}
			if wanted, _ := matcher.Match(decode(t, name, ``)); wanted != (of == subscribed) {
				t.Errorf("%s with %s subscribed: wanted %v", name, subscribed, wanted)
			}
		}
	}
}

// A filter or a list only ever takes away: what a narrower subscription wants,
// a wider one wants too.
func TestListsOnlyNarrow(t *testing.T) {
	t.Parallel()
	fields := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4, rapid.ID)
	rapid.Check(t, func(rt *rapid.T) {
		names, err := json.Marshal(fields.Draw(rt, "changed"))
		if err != nil {
			rt.Fatal(err)
		}
		e := decode(t, rapid.SampledFrom(event.TypeNames(event.AllChanges)).Draw(rt, "type"), `,"changedFields":`+string(names))
		narrow := Subscription{ChangeTypes: event.AllChanges, Fields: fields.Draw(rt, "fields"), ExcludeFields: fields.Draw(rt, "exclude")}
		wide := Subscription{ChangeTypes: event.AllChanges}
		wanted, _ := compile(t, narrow).Match(e)
		if wider, why := compile(t, wide).Match(e); wanted && !wider {
			rt.Fatalf("%+v wants it, %+v does not: %s", narrow, wide, why)
		}
	})
}

func TestASubscriptionSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := Subscription{
		ChangeTypes: event.AssetChanged | event.TreeValueChanged, Events: []string{"AssetCreated"},
		Formats: []event.ID{event.IntID(1), event.StringID("1")}, Filter: `event.id != "x<y"`,
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Subscription
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b event.ID) bool { return a == b })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", raw, diff)
	}
}

func TestExplainAsksEveryCondition(t *testing.T) {
	t.Parallel()
	s := Subscription{
		ChangeTypes: event.AssetChanged, Events: []string{"AssetMetadataUpdated"}, Fields: []string{"title"},
		ExcludeFields: []string{"note"}, Formats: []event.ID{event.IntID(5)}, Channels: []event.ID{event.IntID(7), event.IntID(8)},
		Reasons: []string{"metadata"}, Filter: `event.source == "/dam"`,
	}
	m, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{
		Type: "AssetMetadataUpdated", ChangeType: event.AssetChanged, Source: "/other", Reason: "thumb",
		ChangedFields: []string{"note"}, Channels: []event.ID{event.IntID(9)},
	}
	want := []Check{
		{"changeTypes", "AssetChanged", ""},
		{"events", "AssetMetadataUpdated", ""},
		{"reasons", "metadata", "reason thumb is not subscribed"},
		{"fields", "title", "no subscribed field changed"},
		{"excludeFields", "note", "only excluded fields changed"},
		{"formats", "5", ""},
		{"channels", "7,8", "no subscribed channel is concerned"},
		{"filter", `event.source == "/dam"`, "the filter excludes it"},
	}
	if got := m.Explain(&e); !slices.Equal(got, want) {
		t.Errorf("explained %q\nwant %q", got, want)
	}
	if wanted, why := m.Match(&e); wanted || why != want[2].Why {
		t.Errorf("it is wanted: %t, %q; want the first reason", wanted, why)
	}
	if got := (&Matcher{}).Explain(&e); len(got) != 0 {
		t.Errorf("explained %q of nothing", got)
	}
}
