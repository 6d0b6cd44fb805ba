package endpoint

import (
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	const data = `,"changedFields":["title","keywords"],"formats":[50036,"web"],"channels":[42],"user":"119574","session":7,
		"domain":484,"streamtype":"video","refnr":"R-1","asset":{"assetId":1234,"title":"Sea","metadata":{"keywords":"sea, sky"},"tags":["a","b"]}`
	e := decode(t, "AssetMetadataUpdated", data)
	bare := decode(t, "MetafieldCreated", ``)
	for text, want := range map[string]struct{ full, bare bool }{
		`event.type == "AssetMetadataUpdated"`:               {true, false},
		`event.type startsWith "Asset"`:                      {true, false},
		`event.kind == "metafield"`:                          {false, true},
		`event.id == "9b1c" and event.source == "/dam/prod"`: {true, true},
		`event.subject == "asset/1234"`:                      {true, true},
		`event.itemId == 5000001`:                            {true, true},
		`event.itemId == "5000001"`:                          {false, false},
		`event.baseId in [1, 1234]`:                          {true, true},
		`event.reason == "metadata"`:                         {true, false},
		`"title" in event.changedFields`:                     {true, false},
		`len(event.changedFields) == 0`:                      {false, true},
		`any(event.formats, # == "web")`:                     {true, false},
		`42 in event.channels`:                               {true, false},
		`event.user == "119574"`:                             {true, false},
		`event.user == nil`:                                  {false, true},
		`event.domain == 484 && event.streamtype == "video" && event.refnr == "R-1"`: {true, false},
		`asset.title matches "^S"`:               {true, false},
		`asset.title == "Sea"`:                   {true, false},
		`asset.assetId == 1234`:                  {true, false},
		`asset.metadata.keywords contains "sky"`: {true, true}, // fails without a snapshot
		`asset?.metadata?.keywords == nil`:       {false, true},
		`"b" in asset.tags`:                      {true, false},
		`type(event.itemId) == "int"`:            {true, true},
		`true`:                                   {true, true},
		`false`:                                  {false, false},
		`asset.title`:                            {true, false}, // a title is no boolean and excludes nothing; no title is false
	} {
		f, err := compileFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.match(e); got != want.full {
			t.Errorf("%s: %v for the asset, want %v", text, got, want.full)
		}
		if got := f.match(bare); got != want.bare {
			t.Errorf("%s: %v for the metafield, want %v", text, got, want.bare)
		}
	}
}

func TestAFilterThatIsNoneSaysWhy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`event.itemid == 1`:       "event has no field itemid",
		`event.data.x == 1`:       "(event has id, source, type, subject, kind, itemId, baseId, reason, changedFields, formats, channels, user, domain, streamtype, refnr)",
		`events.itemId == 1`:      "unknown name events",
		`title == "x"`:            "(there are event, asset)",
		`event.type = "x"`:        "filter: ",
		`1 + 1`:                   "expected bool, but got int",
		`event.type`:              "expected bool, but got string",
		`event.type == `:          "unexpected token EOF",
		`event.changedFields > 1`: "invalid operation",
		strings.Repeat("(", 9000): "filter is longer than 8192 bytes",
		strings.Repeat("(", 5000): "filter: ",
		"\x00":                    "filter: ",
	} {
		_, err := Subscription{ChangeTypes: event.AllChanges, Filter: text}.Compile()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "filterEvent") {
			t.Errorf("%.40q: %v, want %q on one line", text, err, want)
		}
	}
}

func TestARunawayFilterIsStoppedAndExcludesNothing(t *testing.T) {
	t.Parallel()
	f, err := compileFilter(`len(map(1..1000000, {map(1..1000000, #)})) < 0`)
	if err != nil {
		t.Fatal(err)
	}
	if !f.match(decode(t, "AssetCreated", ``)) {
		t.Error("it excluded the event")
	}
}

func TestOneMatcherServesManyAtATime(t *testing.T) {
	t.Parallel()
	matcher := compile(t, Subscription{ChangeTypes: event.AllChanges, Filter: `event.baseId == 1234 && asset.title == "Sea"`})
	e := decode(t, "AssetCreated", `,"asset":{"title":"Sea"}`)
	done := make(chan bool)
	for range 8 {
		go func() {
			all := true
			for range 200 {
				wanted, _ := matcher.Match(e)
				all = all && wanted
			}
			done <- all
		}()
	}
	for range 8 {
		if !<-done {
			t.Error("it was not wanted each time")
		}
	}
}

// What is no filter is refused in one line; of a filter and its opposite, at
// least one wants an event (both, if they fail).
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`event.type == "x"`, `any(event.formats, # == 1)`, `asset.a.b[0] > 1`, `1..9`, `"(" matches "("`, `event.tipe == 1`,
		`asset.missing.member`, `event.itemId in [5000001] // the one`, `let a = asset.a; a.b[9] == 1`, "event.type\n==", `asset?.a?.c == nil`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := compileFilter(text)
		if err != nil {
			if reason := err.Error(); !strings.HasPrefix(reason, "filter") || strings.Contains(reason, "\n") {
				t.Fatalf("%q is refused with %q", text, reason)
			}
			return
		}
		opposite, err := compileFilter("not (" + text + "\n)")
		if err != nil {
			return // not every filter is an operand, and some would be too long
		}
		e := decode(t, "AssetMetadataUpdated", `,"changedFields":["a"],"asset":{"a":{"b":[1]}}`)
		if !compiled.match(e) && !opposite.match(e) {
			t.Fatalf("neither %q nor its opposite wants the event", text)
		}
	})
}
