package assetfilter

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// chair is an asset in Digizuite's form, with what other DAMs have.
const chair = `{"assetId":16,"itemId":9588,"assetType":4,"title":"Chair, red","fileExtension":"tif","width":4000,"ratio":1.5,"pages":null,
	"channels":[42,"web",{"channelFolderId":77,"name":"Press"}],
	"transcodes":[{"mediaFormatId":50036},{"mediaFormatId":50040}],
	"metadata":{"photographer":"Ada","Keywords":["Chair","wood"],"free":"red, wood","width":"419","tags":[{"id":1,"name":"new"}],
		"subjects":{"id":1,"name":"subject","children":[{"id":106,"name":"places","children":[{"id":114,"name":"UK counties","children":[{"id":4756,"name":"Kent/Surrey"}]}]}]},
		"paths":["Furniture/Seats/Chairs"],"price":{"amount":12.5}},
	"additionalMetadata":[
		{"guid":"6afe78b7-3f24-49f3-bf95-24890ea62696","name":"Material","type":169,"values":[{"id":5,"label":"Oak","optionValue":"oak"},{"id":6,"label":"","optionValue":"iron"}]},
		{"guid":"bf0ad1a6-984a-494e-a227-9d70c6a864f9","name":"Menu","type":300,"values":[{"id":31,"label":"Seating","optionValue":"s","parentId":30},{"id":30,"label":"Furniture","optionValue":"f","parentId":9},{"id":8,"label":"Sale"}]},
		{"guid":"c8bb4af3-1598-4ea4-8d7a-98d54eead977","name":"Status","type":68,"value":{"id":2,"label":"Approved","optionValue":"ok"}},
		{"guid":"5eb3eefc-a043-410f-89b0-29ed3ef37078","name":"Related","type":80,"items":[{"itemId":7,"title":"Table","baseId":3,"itemType":0}]},
		{"guid":"0b8f0a3e-0000-4000-8000-000000000001","name":"Cleared","type":61,"value":true}]}`

func TestMatch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		// Its type and its own members
		`asset.assetType == 4`:                             true,
		`asset.assetType in [1, 2]`:                        false,
		`asset["assetType"] == 4.0`:                        true,
		`asset.fileExtension in ["tif", "psd"]`:            true,
		`asset.title startsWith "Chair"`:                   true,
		`asset.width >= 4000 and asset.ratio < 1.6`:        true,
		`any(asset.transcodes, .mediaFormatId == 50036)`:   true,
		`all(asset.transcodes, {#.mediaFormatId > 50036})`: false,
		`asset.transcodes[-1].mediaFormatId == 50040`:      true,
		`count(asset.transcodes, .mediaFormatId > 0) == 2`: true,
		`len(asset.transcodes) == 2`:                       true,
		`sum(asset.transcodes, .mediaFormatId) > 100000`:   true,
		`asset.type == nil`:                                true,
		`let m = asset.metadata; m.photographer == "Ada"`:  true,

		// Distribution channels
		`inChannel(42)`:        true,
		`inChannel("42")`:      true,
		`inChannel("WEB")`:     true,
		`inChannel(77)`:        true,
		`inChannel("press")`:   true,
		`inChannel(4)`:         false,
		`42 in asset.channels`: true,

		// Metadata
		`asset.metadata.photographer == "Ada"`:                   true,
		`asset.metadata["photographer"] matches "^A"`:            true,
		`asset?.metadata?.photographer == "Ada"`:                 true,
		`meta("PHOTOGRAPHER") == "Ada"`:                          true,
		`"Chair" in meta("keywords")`:                            true,
		`"Table" in meta("keywords")`:                            false,
		`meta("free") contains "wood"`:                           true,
		`meta("free") matches "(?i)RED"`:                         true,
		`"wood" in split(meta("free"), ", ")`:                    true,
		`int(meta("width")) > 400`:                               true,
		`meta("price").amount == 12.5`:                           true,
		`"Oak" in meta("material")`:                              true,
		`"iron" in meta("6AFE78B7-3F24-49F3-BF95-24890EA62696")`: true,
		`meta("status") == "Approved"`:                           true,
		`meta("cleared")`:                                        true,
		`not meta("cleared")`:                                    false,
		`meta("related") == ["Table"]`:                           true,
		`meta("tags") == ["new"]`:                                true,
		`meta("absent") == nil`:                                  true,
		`"new" in map(asset.metadata.tags, .name)`:               true,

		// Trees
		`inTree(114)`:                         true,
		`inTree("places")`:                    true,
		`inTree("Places/uk counties")`:        true,
		`inTree("/subject/places/")`:          true,
		`inTree("uk counties/kent/surrey")`:   true,
		`inTree("subject/uk counties")`:       false,
		`inTree("photographer")`:              false,
		`inTree(31)`:                          true,
		`inTree("31")`:                        true,
		`inTree("furniture/seating")`:         true,
		`inTree("f/s")`:                       true,
		`inTree("seating/furniture")`:         false,
		`inTree(9)`:                           true, // not listed, but the parent of one that is
		`inTree("sale")`:                      true,
		`inTree("Oak")`:                       false, // no tree, unless its field is named
		`inTree("Oak", "material")`:           true,
		`inTree("sale", "menu")`:              true,
		`inTree("sale", "subjects")`:          false,
		`inTree("sale", "absent")`:            false,
		`inTree("furniture/seats", "paths")`:  true,
		`inTree("furniture/chairs", "paths")`: false,
		`inTree("")`:                          false,

		// What is missing
		`asset.metadata.absent.deeper[3].still == nil`: true,
		`asset.title.deeper == nil`:                    true,
		`asset.channels.name == nil`:                   true,
		`asset.transcodes[9].mediaFormatId == nil`:     true,
		`asset.absent > 5 or asset.assetType == 4`:     true,
		`asset.pages < 5`:                              false,
		`not (asset.absent contains "x")`:              true,
		`asset.absent matches "x" or asset.absent startsWith "x" or asset.absent endsWith "x"`: false,
		`"x" in asset.absent`:                              false,
		`any(asset.absent, true) or len(asset.absent) > 0`: false,
		`all(asset.absent, false)`:                         true,
		`count(filter(asset.absent, # > 1)) == 0`:          true,
		`(asset.absent ?? "none") == "none"`:               true,
		`asset.absent`:                                     false,
		`true`:                                             true,
	} {
		f, err := Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := f.Match(json.RawMessage(chair)); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestOtherShapesOfChannels(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]bool{
		`{"channelFolders":[{"id":42}]}`:             true,
		`{"publishedTo":"42"}`:                       true,
		`{"ChannelIds":["a","42"]}`:                  true,
		`{"channels":{"42":true}}`:                   true,
		`{"channels":{"id":1,"name":"42"}}`:          true,
		`{"channels":{"42":false}}`:                  false,
		`{"channels":{"id":1,"42":true}}`:            false,
		`{"channels":[420,null,[42]]}`:               false,
		`{"channels":null,"nested":{"channels":42}}`: false,
		`{}`: false,
		``:   false,
	} {
		if got, err := compile(t, `inChannel(42)`).Match(json.RawMessage(data)); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", data, got, err, want)
		}
	}
}

func TestAnAssetWithoutData(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`asset.assetType == 4`: false, `asset.metadata.x == nil`: true, `inTree(1) or inChannel(1) or meta("x") != nil`: false,
	} {
		if got, err := compile(t, text).Match(nil); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestWhatCannotBeToldSaysWhyAndMatchesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, data, want string }{
		{`asset.assetType contains "x"`, chair, "filter: wrong kind of value: int, not string (1:17)"},
		{`asset.channels matches "x"`, chair, "list"},
		{`asset.title > 5`, chair, "(1:13)"},
		{`asset.absent + 1 == 2`, chair, "(1:14)"},
		{`asset.title`, chair, "filter: wrong kind of result, not true or false: (string) (1:1)"},
		{`meta("keywords")`, chair, "filter: wrong kind of result, not true or false: (list) (1:1)"},
		{`any(asset.metadata, true)`, chair, "any wants a list, and gets an object"},
		{`inChannel(nil)`, chair, "an id or a name is wanted, and there is nil"},
		{`inTree(asset.channels)`, chair, "an id or a name is wanted, and there is a list"},
		{`meta(asset.width) == 1`, chair, "filter: "},
		{`asset.title matches asset.bad`, `{"title":"a","bad":"("}`, "filter: "},
		{`true`, `{"a":`, "filter: the asset's data: not JSON: no value at byte 5"},
		{`true`, `[]`, "filter: the asset's data is no JSON object"},
	} {
		got, err := compile(t, tt.text).Match(json.RawMessage(tt.data))
		if got || err == nil || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n{") {
			t.Errorf("%s: %v, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestAFilterThatIsNoneSaysWhyAndWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`title == "x"`:                      "filter: unknown name title (1:1) (there are asset, inChannel, inTree, meta)",
		"asset.assetType == 4 and\nmeta(5)": "(2:6)",
		`asset.title =`:                     "filter: ",
		`1 + 1`:                             "expected bool, but got int",
		`asset.assetType == `:               "unexpected token EOF",
		`asset.title matches "("`:           "missing closing ): `(` (1:13)",
		`inTree()`:                          "not enough arguments to call inTree",
		`type(asset.title) == "string"`:     "unknown name type",
		``:                                  "filter: ",
		strings.Repeat("(", 9000):           "filter is longer than 8192 bytes",
		"[" + strings.Repeat("1,", 4000) + "] == nil": "filter: ",
	} {
		_, err := Compile(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want %q on one line", text, err, want)
		}
	}
}

func TestRunawayFiltersAreStopped(t *testing.T) {
	t.Parallel()
	data := json.RawMessage(`{"l":[` + strings.Repeat("0,", 5000) + `0]}`)
	for text, want := range map[string]string{
		`all(asset.l, all(asset.l, all(asset.l, true)))`:               "more elements than a filter may",
		`len(map(1..1000000, {map(1..1000000, #)})) < 0`:               "memory budget exceeded",
		`reduce(asset.l, #acc + len(filter(asset.l, # == 0)), 0) == 0`: "more elements than a filter may",
	} {
		if got, err := compile(t, text).Match(data); got || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", text, got, err, want)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`asset.metadata.keywords == nil and asset.metadata["6afe"] == asset.AdditionalMetadata.x.y`: {"keywords", "6afe", "x"},
		`asset?.metadata?.a == nil`:                        {"a"},
		`"x" in meta("b") or inTree(1, "c") or inTree(2)`:  {"b", "c"},
		`any(asset.metadata.list, .name == meta("list"))`:  {"list"},
		`asset.title == "x" and asset.a.metadata.b == 1`:   nil,
		`asset.metadata[asset.which] == meta(asset.other)`: nil,
	} {
		f := compile(t, text)
		if got := f.Fields(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTheMembersThatAFilterNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`asset.type == 4 and asset["title"] == "x" or asset.type == 5`: {"type", "title"},
		`asset.metadata.b == 1 or meta("c") == asset.a.b`:              {"a"},
		`asset?.file?.size > 1 and any(asset.list, .x == 1)`:           {"file", "list"},
		`inChannel(42)`: nil,
	} {
		if got := compile(t, text).Members(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestOneFilterServesManyAtATime(t *testing.T) {
	t.Parallel()
	f := compile(t, `asset.assetType == 4 and any(asset.transcodes, .mediaFormatId == 50036) and inTree("places") and meta("free") matches "wood"`)
	done := make(chan bool)
	for range 8 {
		go func() {
			all := true
			for range 100 {
				wanted, err := f.Match(json.RawMessage(chair))
				all = all && wanted && err == nil
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

func compile(t testing.TB, text string) *Filter {
	t.Helper()
	f, err := Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is no filter is refused in one line; of what is one, no asset breaks it,
// and it gives the same each time.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`asset.assetType == 4`, `any(asset.transcodes, # == 1)`, `asset?.a?.b ?? 1 > 0`, `inTree("a/b", "c") or inChannel(1)`, `asset.a[1:2] == nil`,
		`let a = asset.a; a.b[9] < 1`, `asset.a | filter(# > 1) | len() > 0`, `$env.asset.a == 1`, `$env["one step"](1) == 1`, `now().Year() > 1`, `sortBy(asset.a, #)[0] == 1`,
		`asset.a.b.c().d`, `reduce(asset.a, #acc + #, 0) > 1`, `groupBy(asset.a, #)["x"][0] == 1`, `{"a": asset.a}.a.b == 1`, `[asset][0].a < 2`, "asset.a\n==", `"member of"(1, 2)`,
	} {
		f.Add(seed, chair)
		f.Add(seed, `{"a":[1,{"b":"x"}],"metadata":{"c":{"children":[{"name":"a"}]}}}`)
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		filter, err := Compile(text)
		if err != nil {
			if reason := err.Error(); !strings.HasPrefix(reason, "filter") || strings.Contains(reason, "\n") {
				t.Fatalf("%q is refused with %q", text, reason)
			}
			return
		}
		got, err := filter.Match(json.RawMessage(data))
		if err != nil && (got || strings.Contains(err.Error(), "\n")) {
			t.Fatalf("%q on %q: %v, %q", text, data, got, err)
		}
		if strings.Contains(text, "now") {
			return
		}
		if again, errAgain := filter.Match(json.RawMessage(data)); again != got || (errAgain == nil) != (err == nil) {
			t.Fatalf("%q on %q: %v, %v, then %v, %v", text, data, got, err, again, errAgain)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"type": `asset.assetType == 4`, "channel": `inChannel(42)`, "meta": `"Chair" in meta("keywords")`, "tree": `inTree("places/UK counties")`,
	} {
		b.Run(name, func(b *testing.B) {
			f := compile(b, text)
			b.ReportAllocs()
			for b.Loop() {
				if wanted, err := f.Match(json.RawMessage(chair)); !wanted || err != nil {
					b.Fatal(wanted, err)
				}
			}
		})
	}
}
