package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// line is a whole event with members of data put into it.
func line(data string) string {
	if data != "" {
		data = "," + data
	}
	return `{"id":"1","source":"/dam","type":"AssetMetadataUpdated","data":{"itemId":5` + data + `}}`
}

func decode(t *testing.T, text string) Event {
	t.Helper()
	e, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("Decode(%.200s): %v", text, err)
	}
	return e
}

func TestDecodeReadsEveryMember(t *testing.T) {
	t.Parallel()
	text := `{"specversion":"1.0","id":"9b1c","source":"/dam/prod","type":"AssetMetadataUpdated",` +
		`"time":"2026-11-21T10:00:00.5+01:00","subject":"asset/1234","extension":{"of":["some","kind"]},` +
		`"data":{"itemId":5000001,"baseId":1234,"changedFields":["title",17,null],"formats":[50036,"hd"],` +
		`"channels":[42],"user":"119574","session":2146539,"reason":"caption","domain":484,"streamtype":"video",` +
		`"refnr":"R1","unknown":1,"asset":{"assetId":1234,"title":"…"}}}`
	want := Event{
		ID: "9b1c", Source: "/dam/prod", Type: "AssetMetadataUpdated", Subject: "asset/1234",
		Time:       time.Date(2026, 11, 21, 9, 0, 0, 5e8, time.UTC),
		ChangeType: AssetChanged, Reason: "caption",
		Object:        Object{Asset, IntID(5000001), IntID(1234)},
		ChangedFields: []string{"title", "17"}, Formats: []ID{IntID(50036), StringID("hd")}, Channels: []ID{IntID(42)},
		User: StringID("119574"), Session: IntID(2146539), Domain: IntID(484), StreamType: "video", RefNr: "R1",
		Asset: json.RawMessage(`{"assetId":1234,"title":"…"}`),
		Raw:   []byte(text),
	}
	if diff := cmp.Diff(want, decode(t, text), cmpopts.EquateComparable(ID{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeDefaultsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	e := decode(t, line(""))
	if e.Object.BaseID != IntID(5) || e.Object.String() != "asset/5" {
		t.Errorf("the object is %v", e.Object)
	}
	if !e.Time.IsZero() || e.ChangedFields != nil || e.Asset != nil || !e.User.IsZero() || e.Reason != "metadata" {
		t.Errorf("got %+v", e)
	}
	e = decode(t, line(`"baseId":null,"changedFields":null,"formats":null,"asset":null,"reason":""`))
	if e.Object.BaseID != IntID(5) || e.ChangedFields != nil || e.Formats != nil || e.Asset != nil || e.Reason != "metadata" {
		t.Errorf("with null: %+v", e)
	}
}

func TestAnEmptyListOfFieldsIsNotNone(t *testing.T) {
	t.Parallel()
	if e := decode(t, line(`"changedFields":[]`)); e.ChangedFields == nil || len(e.ChangedFields) != 0 {
		t.Errorf("got %#v", e.ChangedFields)
	}
}

func TestTheReasonIsTheEventsOwnForAssetsOnly(t *testing.T) {
	t.Parallel()
	if e := decode(t, `{"id":"1","source":"s","type":"delete","data":{"itemId":1,"reason":"archive"}}`); e.Reason != "archive" || e.Type != "delete" {
		t.Errorf("got %s, %s", e.Type, e.Reason)
	}
	if e := decode(t, `{"id":"1","source":"s","type":"ComboValueCreated","data":{"itemId":1,"reason":"no such"}}`); e.Reason != "" {
		t.Errorf("a combo value has reason %q", e.Reason)
	}
}

func TestWhichEventsAreMetadataChanges(t *testing.T) {
	t.Parallel()
	for _, name := range TypeNames(AllChanges) {
		e := Event{Type: name}
		if want := strings.HasSuffix(name, "MetadataUpdated") || name == "metadata"; e.IsMetadataChange() != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestVeryLongListsMeanAny(t *testing.T) {
	t.Parallel()
	list := func(n int) string { return "[" + strings.Repeat("1,", n-1) + "1]" }
	lists := func(n int) string {
		return `"changedFields":` + list(n) + `,"formats":` + list(n) + `,"channels":` + list(n)
	}
	e := decode(t, line(lists(maxListLength)))
	if len(e.ChangedFields) != maxListLength || len(e.Formats) != maxListLength || len(e.Channels) != maxListLength {
		t.Errorf("kept %d, %d, %d", len(e.ChangedFields), len(e.Formats), len(e.Channels))
	}
	e = decode(t, line(lists(maxListLength+1)))
	if e.ChangedFields != nil || e.Formats != nil || e.Channels != nil {
		t.Errorf("kept %d, %d, %d", len(e.ChangedFields), len(e.Formats), len(e.Channels))
	}
}

func TestDecodeSaysWhyALineIsNoEvent(t *testing.T) {
	t.Parallel()
	const known = `"id":"1","source":"s","type":"AssetCreated"`
	for text, want := range map[string]string{
		"":                            "the line is empty",
		" \t":                         "the line is empty",
		"{":                           "not JSON: unexpected end of JSON input at byte 1",
		`{"id":1} x`:                  "not JSON: invalid character 'x' after top-level value at byte 10",
		"{\"id\":\"\xff\"}":           "not JSON: the line is not UTF-8",
		"[]":                          "not a JSON object: a JSON array",
		"5":                           "not a JSON object: a JSON number",
		"null":                        "required member id is missing",
		`{"id":""}`:                   "required member id is missing",
		`{"id":"1"}`:                  "required member source is missing",
		`{"id":"1","source":"s"}`:     "required member type is missing",
		`{"id":1}`:                    "member id: a JSON number where a string is due",
		"{" + known + "}":             "required member data is missing",
		"{" + known + `,"data":null}`: "required member data is missing",
		"{" + known + `,"data":"x"}`:  "member data: a JSON string where an object is due",
		"{" + known + `,"data":{}}`:   "required member data.itemId is missing",
		`{"id":"1","source":"s","type":"AssetCreate","data":{"itemId":1}}`: `unknown type "AssetCreate"; did you mean AssetCreated?`,
		line(`"baseId":1.5`):                     "id 1.5 is neither an integer nor a string",
		line(`"formats":7`):                      "member data.formats: a JSON number where an array is due",
		line(`"changedFields":"a"`):              "member data.changedFields: a JSON string where an array is due",
		line(`"refnr":{}`):                       "member data.refnr: a JSON object where a string is due",
		line(`"reason":"deleted"`):               `data.reason: unknown reason "deleted"; did you mean delete?`,
		line(`"asset":[]`):                       "data.asset is not an object",
		strings.Repeat(" ", MaxLineLength) + "x": "the line is longer than 1048576 bytes",
	} {
		_, err := Decode([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("Decode(%.60q): %v\nwant %s", text, err, want)
		}
	}
}

func TestTimesThatCouldNotBePrintedAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"yesterday", "2026-11-21", "2026-11-21 10:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+24:00", "0",
	} {
		_, err := Decode([]byte(`{"id":"1","source":"s","type":"AssetCreated","time":` + strconv.Quote(text) + `,"data":{"itemId":1}}`))
		if err == nil || err.Error() != "time "+strconv.Quote(text)+" is not RFC 3339" {
			t.Errorf("time %s: %v", text, err)
		}
	}
}

// Every bad line is looked at and its reason kept, so neither may grow with it.
func TestAMegabyteOfANameIsNeitherSearchedNorRepeated(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxLineLength-200)
	for _, text := range []string{
		`{"id":"1","source":"s","type":"` + long + `","data":{"itemId":1}}`,
		line(`"reason":"` + long + `"`),
		line(`"user":"` + long + `"`),
		line(`"user":` + strings.Repeat("1", MaxLineLength-200)),
	} {
		_, err := Decode([]byte(text))
		if err == nil || len(err.Error()) > 200 {
			t.Errorf("%.60s: an error of %d bytes", text, len(err.Error()))
		}
	}
	near := strings.Repeat("x", maxNameLength)
	if clause(near, []string{near + "y"}) == "" || clause(near+"y", []string{near}) != "" {
		t.Error("the search does not end at maxNameLength")
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		line(""), line(`"baseId":"x","reason":"delete","asset":{"a":1},"changedFields":["t",1]`), "{}", "null", "[]", "",
		`{"id":"1","source":"s","type":"ComboValueCreated","time":"2026-11-21T10:00:00Z","data":{"itemId":"5"}}`,
		`{"id":"1","source":"s","type":"archive","time":"9999-12-31T23:59:59-23:59","data":{"itemId":"\ud800"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Decode(raw)
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 1000 || !utf8.ValidString(text) {
				t.Fatalf("%q is refused with %q", raw, text)
			}
			return
		}
		if e.ID == "" || e.Source == "" || e.ChangeType.String() == "" || e.Object.ItemID.IsZero() || e.Object.BaseID.IsZero() {
			t.Fatalf("%q is accepted as %+v", raw, e)
		}
		if (e.Reason != "") != (e.Object.Kind == Asset) {
			t.Fatalf("%q is a %s with reason %q", raw, e.Object.Kind, e.Reason)
		}
		if canonical, changeType, err := ParseType(e.Type); err != nil || canonical != e.Type || changeType != e.ChangeType {
			t.Fatalf("%q has type %s", raw, e.Type)
		}
		if string(e.Raw) != string(raw) {
			t.Fatalf("%q is kept as %q", raw, e.Raw)
		}
		// What is shown of it must print.
		if _, err := json.Marshal([]any{e.Time, e.Object, e.User, e.Formats, e.Asset}); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
