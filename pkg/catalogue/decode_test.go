package catalogue_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestALineIsAnAssetOrAnEvent(t *testing.T) {
	t.Parallel()
	asOf, now := at(5), at(10)
	const event1 = `"specversion":"1.0","id":"1","source":"/dam","type":"AssetMetadataUpdated"`
	for _, c := range []struct {
		line     string
		id, item string // as JSON
		data     string // "": the line
		changed  time.Time
	}{
		{line: `{"assetId":16,"itemId":9588,"id":1,"title":"A"}`, id: "16", item: "9588", changed: asOf},
		{line: `{"assetId":null,"baseId":"b-1","itemId":null}`, id: `"b-1"`, changed: asOf},
		{line: `{"id":"0f3a","title":"from Directus"}`, id: `"0f3a"`, changed: asOf},
		{line: `{"ItemId":9588,"Title":"written large"}`, id: "9588", item: "9588", changed: asOf},
		{line: `{"general":{"ID":967567,"GID":1234567,"title":"N"},"imagedata":{}}`, id: "1234567", item: "967567", changed: asOf},
		{line: `{"general":{"ID":967567}}`, id: "967567", item: "967567", changed: asOf},
		{line: `{"id":5,"general":"a rank"}`, id: "5", changed: asOf},
		{line: `{"id":5,"type":"video","data":{"bytes":17}}`, id: "5", changed: asOf},
		{line: "  \t" + `{"id":5}` + " ", id: "5", data: `{"id":5}`, changed: asOf},
		{line: `{` + event1 + `,"time":"2026-11-21T12:00:01Z","data":{"itemId":9588,"baseId":16,"asset":{"title":"A"}}}`, id: "16", item: "9588", data: `{"title":"A"}`, changed: at(1)},
		{line: `{` + event1 + `,"data":{"itemId":9588,"asset":{"title":"A"}}}`, id: "9588", item: "9588", data: `{"title":"A"}`, changed: asOf},
		{line: `{` + event1 + `,"time":"2031-01-01T00:00:00Z","data":{"itemId":9588,"asset":{}}}`, id: "9588", item: "9588", data: `{}`, changed: now},
	} {
		a, told, err := catalogue.Decode([]byte(c.line), asOf, now)
		if err != nil || !told {
			t.Errorf("%s: told=%v, %v", c.line, told, err)
			continue
		}
		if c.data == "" {
			c.data = c.line
		}
		if a.ID.JSON() != c.id || a.ItemID.JSON() != c.item || string(a.Data) != c.data || a.Deleted || !a.Changed.Equal(c.changed) {
			t.Errorf("%s: %+v, data %s; want ids %s and %s, changed %v", c.line, a, a.Data, c.id, c.item, c.changed)
		}
	}

	deletion, told, err := catalogue.Decode([]byte(`{"id":"1","source":"/dam","type":"AssetDeleted","data":{"itemId":5}}`), asOf, now)
	if err != nil || !told || !deletion.Deleted || deletion.Data != nil || !deletion.Changed.Equal(asOf) {
		t.Errorf("a deletion: %+v, %v, %v", deletion, told, err)
	}
	nothing, told, err := catalogue.Decode([]byte(`{`+event1+`,"data":{"itemId":5}}`), asOf, now)
	if err != nil || told {
		t.Errorf("an event that tells nothing of its asset: %+v, %v, %v", nothing, told, err)
	}
	ahead, _, err := catalogue.Decode([]byte(`{"id":5}`), now.Add(time.Hour), now)
	if err != nil || !ahead.Changed.Equal(now) {
		t.Errorf("as of a time in the future: %+v, %v", ahead, err)
	}
}

func TestALineThatIsNeitherSaysWhy(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"title":"A"}`:            "it has no id: none of assetId, baseId, id, itemId, general.GID and general.ID",
		`{"id":null}`:              "it has no id",
		`{"general":{}}`:           "it has no id",
		`{"assetId":1.5,"id":1}`:   "member assetId: id 1.5 is neither an integer nor a string",
		`{"id":{"n":1}}`:           "member id: id {\"n\":1} is neither",
		`{"id":1,"itemId":[]}`:     "member itemId: id [] is neither",
		`{"id":""}`:                "member id: an id is an empty string",
		`{"general":{"GID":true}}`: "member general.GID: id true is neither",
		`[{"id":1}]`:               "not a JSON object: a JSON array",
		`5`:                        "not a JSON object: a JSON number",
		`null`:                     "not a JSON object: null",
		`{"id":1`:                  "not JSON: unexpected end of JSON input at byte 7",
		`id;title`:                 "not JSON: invalid character 'i' looking for beginning of value at byte 1",
		"{\"id\":\"\xff\"}":        "the line is not UTF-8",
		`{"id":"1","source":"/dam","type":"AssetMoved","data":{}}`:                         "not an event: unknown type",
		`{"id":"1","source":"/dam","type":"AssetCreated","data":{"itemId":1,"asset":"x"}}`: "not an event: data.asset is not an object",
		`{"id":"` + strings.Repeat("x", catalogue.MaxLineLength) + `"}`:                    "the line is longer than 1048576 bytes",
	} {
		if _, told, err := catalogue.Decode([]byte(line), at(5), at(10)); err == nil || told || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: told=%v, %v; want %q", line, told, err, want)
		}
	}
}

// Whatever a line is, what is taken from it can be kept and told.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		`{"assetId":16,"itemId":9588,"title":"A"}`, `{"general":{"ID":967567,"GID":1234567}}`, `null`, `{"id":"x"}`,
		`{"specversion":"1.0","id":"1","source":"/dam","type":"AssetDeleted","data":{"itemId":9588,"asset":{}}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, told, err := catalogue.Decode(bytes.Clone(line), at(5), at(10))
		switch {
		case err != nil && told:
			t.Fatal("told and an error")
		case err != nil || !told:
			return
		case a.ID.IsZero() || a.Changed.After(at(10)):
			t.Fatalf("%+v", a)
		case a.Data == nil && !a.Deleted:
			t.Fatal("neither data nor a deletion")
		case a.Data != nil && (a.Data[0] != '{' || !json.Valid(a.Data)):
			t.Fatalf("data is no object: %q", a.Data)
		}
		var id event.ID
		if err := id.UnmarshalJSON([]byte(a.ID.JSON())); err != nil || id != a.ID {
			t.Fatalf("id %s: %v", a.ID.JSON(), err)
		}
	})
}
