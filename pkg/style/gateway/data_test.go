package gateway

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// An asset goes out byte for byte, but for white space and its exports.
func TestExportsGoAlongWithExports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asset, others, exports string }{
		{`{}`, `{}`, `{}`},
		{`{"exports":[]}`, `{}`, `{"exports":[]}`},
		{`{"exports":1,"a":2}`, `{"a":2}`, `{"exports":1,"a":2}`},
		{`{"a":2,"exports":1}`, `{"a":2}`, `{"a":2,"exports":1}`},
		{`{"a":2,"exports":{"b":[{"c":"}"}]},"d":3}`, `{"a":2,"d":3}`, `{"a":2,"exports":{"b":[{"c":"}"}]},"d":3}`},
		{" {\n\t\"a\" : 1.50 , \"exports\" : 1 ,\r\n \"b\" : \"x  y\" } ", `{"a":1.50,"b":"x  y"}`, `{"a":1.50,"exports":1,"b":"x  y"}`},
		{`{"Exports":1,"exports ":2,"a":{"exports":3}}`, `{"Exports":1,"exports ":2,"a":{"exports":3}}`, `{"Exports":1,"exports ":2,"a":{"exports":3}}`},
		{`{"e\u0078ports":1,"\u0061":2,"exports":3}`, `{"\u0061":2}`, `{"e\u0078ports":1,"\u0061":2,"exports":3}`},
		{`{"a":"<b>&\u003c\/\u2028","n":1e400}`, `{"a":"<b>&\u003c\/\u2028","n":1e400}`, `{"a":"<b>&\u003c\/\u2028","n":1e400}`},
		{`{",":1,"exports":2,",,":3}`, `{",":1,",,":3}`, `{",":1,"exports":2,",,":3}`},
	} {
		known := assets{"5": {ID: event.IntID(5), Data: json.RawMessage(c.asset)}}
		for reason, want := range map[string]string{
			"metadata": c.others, "delete": c.others, "encoded": c.others,
			"exportcompleted": c.exports, "exportupdated": c.exports, "exportdeleted": c.exports,
		} {
			line := `{"id":"1","source":"s","type":"` + reason + `","data":{"itemId":5}}`
			var told struct {
				Data json.RawMessage `json:"data"`
			}
			if err := json.Unmarshal([]byte(pingOf(t, known, "", line)), &told); err != nil {
				t.Fatal(err)
			}
			if string(told.Data) != want {
				t.Errorf("%s of %s: %s, want %s", reason, c.asset, told.Data, want)
			}
		}
	}
}

func TestADeletedAssetIsToldAsItWasKnownLast(t *testing.T) {
	t.Parallel()
	const line = `{"id":"1","source":"s","type":"AssetDeleted","time":"2022-12-02T14:06:40Z","data":{"itemId":50,"baseId":5,"refnr":"r"}}`
	const frame = `{"trigger":{"event":"delete","user":0,"session":0,"created":1669990000,"sent":1669990012},` +
		`"item":{"ID":"50","GID":5,"refnr":"r","domain":0,"streamtype":""},"data":`
	for want, asset := range map[string]catalogue.Asset{
		`{"title":"last"}`:                          {ID: event.IntID(5), Deleted: true, Data: json.RawMessage(`{"title":"last"}`)},
		`{"general":{"ID":50,"GID":5,"refnr":"r"}}`: {ID: event.IntID(5), Deleted: true}, // never seen
	} {
		if got := pingOf(t, assets{"5": asset}, "", line); got != frame+want+"}" {
			t.Errorf("%s, want data %s", got, want)
		}
	}
}

// Whatever an object holds, it means the same without its exports.
func TestWithoutLosesNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Just("exports"))
		value := rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
			rapid.Map(rapid.MapOf(name, rapid.Bool()), func(m map[string]bool) any { return m }),
		)
		object := rapid.MapOf(name, value).Draw(rt, "object")
		raw, err := json.MarshalIndent(object, " ", "\t")
		if err != nil {
			rt.Fatal(err)
		}
		got, err := without(raw, "exports")
		if err != nil {
			rt.Fatal(err)
		}
		var all, kept map[string]any
		if err := json.Unmarshal(raw, &all); err != nil {
			rt.Fatal(err)
		}
		if err := json.Unmarshal(got, &kept); err != nil {
			rt.Fatalf("%s: %v", got, err)
		}
		delete(all, "exports")
		if !reflect.DeepEqual(all, kept) {
			rt.Fatalf("%s became %s", raw, got)
		}
	})
}
