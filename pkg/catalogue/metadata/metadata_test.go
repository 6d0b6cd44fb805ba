package metadata

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// editorAnswer is in the form that Digizuite documents for its metadata editor.
const editorAnswer = `{"groups":[{"name":"Common","groupId":7},{"name":"Rights","groupId":8}],
	"fields":[
		{"type":169,"itemId":51,"metafieldId":501,"guid":"6AFE78B7-3F24-49F3-BF95-24890EA62696","name":"Keywords","groupId":7,
			"labels":{"3":{"labelId":10438,"languageId":3,"label":"Keywords"},"1":{"labelId":10437,"languageId":1,"label":"Emneord"}}},
		{"type":61,"itemId":52,"metafieldId":502,"guid":"0b8f0a3e-0000-4000-8000-000000000001","name":"Cleared","groupId":8,
			"labels":{"3":{"labelId":10440,"languageId":3,"label":"Cleared"}}}],
	"values":[
		{"type":169,"itemId":9588,"labelId":10438,"values":[{"id":1,"label":"sea","optionValue":"1"}]},
		{"type":169,"itemId":9588,"labelId":10437,"values":[{"id":2,"label":"hav","optionValue":"2"}]},
		{"type":61,"itemId":9588,"labelId":10440,"value":true}]}`

func parse(t *testing.T, text string) rawjson.Value {
	t.Helper()
	v, err := rawjson.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	canonical, err := rawjson.AppendCanonical(nil, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(canonical)
}

func TestSelect(t *testing.T) {
	t.Parallel()
	const list = `[{"name":"Keywords","value":1},{"GUID":"6afe78b7-3f24-49f3-bf95-24890ea62696","value":2},{"metafieldId":502,"values":[3]},"x",null]`
	for _, tt := range []struct {
		container string
		wanted    []string
		want      string
	}{
		{`{"Keywords": "sea" ,"title":{"en":"Sea"},"n":1.50}`, []string{"keywords", "N", "absent"}, `{"Keywords": "sea","n":1.50}`},
		{`{"keywords":"sea"}`, nil, `{}`},
		{`{"K":{"guid":"6AFE78B7-3F24-49F3-BF95-24890EA62696","value":1},"L":{"guid":"x"},"M":{"name":"keywords"}}`, []string{"6afe78b7-3f24-49f3-bf95-24890ea62696", "keywords"}, `{"K":{"guid":"6AFE78B7-3F24-49F3-BF95-24890EA62696","value":1}}`},
		{list, []string{"keywords"}, `[{"name":"Keywords","value":1}]`},
		{list, []string{"6AFE78B7-3F24-49F3-BF95-24890EA62696", "502"}, `[{"GUID":"6afe78b7-3f24-49f3-bf95-24890ea62696","value":2},{"metafieldId":502,"values":[3]}]`},
		{list, nil, `[]`},
		{`null`, []string{"a"}, `null`},
		{`"<xml/>"`, []string{"a"}, `null`},
		{`{"ÆRØ":1}`, []string{"ærø"}, `{"ÆRØ":1}`},
	} {
		if got := Select(nil, parse(t, tt.container), NewNames(tt.wanted...)); string(got) != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.wanted, tt.container, got, tt.want)
		}
	}
}

func TestOfTheEditorsAnswerWhatBelongsToTheFieldsIsSelected(t *testing.T) {
	t.Parallel()
	const keywords = `{"fields":[{"groupId":7,"guid":"6AFE78B7-3F24-49F3-BF95-24890EA62696","itemId":51,"labels":{"1":{"label":"Emneord","labelId":10437,"languageId":1},"3":{"label":"Keywords","labelId":10438,"languageId":3}},"metafieldId":501,"name":"Keywords","type":169}],"groups":[{"groupId":7,"name":"Common"}],"values":[{"itemId":9588,"labelId":10438,"type":169,"values":[{"id":1,"label":"sea","optionValue":"1"}]},{"itemId":9588,"labelId":10437,"type":169,"values":[{"id":2,"label":"hav","optionValue":"2"}]}]}`
	container := parse(t, editorAnswer)
	for _, name := range []string{"keywords", "6afe78b7-3f24-49f3-bf95-24890ea62696", "501", "51", "10437", "emneord"} {
		if got := compact(t, Select(nil, container, NewNames(name))); got != keywords {
			t.Errorf("%s: %s, want %s", name, got, keywords)
		}
	}
	if got := compact(t, Select(nil, container, NewNames("9588"))); got != `{"fields":[],"groups":[],"values":[]}` {
		t.Errorf("the asset's own id selects %s", got)
	}
	if got := compact(t, Select(nil, container, NewNames())); got != `{}` {
		t.Errorf("none asked for: %s", got)
	}
}

func TestInLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, data, want string }{
		{"en", `{"metadata":{"t":{"en":"Sea","da-DK":"Hav"},"n":1}}`, `{"metadata":{"t":"Sea","n":1}}`},
		{"EN", `{"AdditionalMetadata":{"t":{"en":["Sea"],"pt_BR":null}}}`, `{"AdditionalMetadata":{"t":["Sea"]}}`},
		{"da-dk", `{"metadata":[{"name":"t","value":{"en":"Sea","da-DK":"Hav"}},1]}`, `{"metadata":[{"name":"t","value":"Hav"},1]}`},
		{"3", `{"metadata":{"t":{"3":"Sea","1":"Hav"}}}`, `{"metadata":{"t":"Sea"}}`},
		{"en", `{"title":{"en":"Sea","da":null},"size":{"en":1,"da":2}}`, `{"title":"Sea","size":{"en":1,"da":2}}`},
		// What has no such language, or is something else, stays.
		{"de", `{"metadata":{"t":{"en":"Sea","da":"Hav"}}}`, ``},
		{"en", `{"metadata":{"t":{"en":"Sea","title":"x"}}}`, ``},
		{"id", `{"metadata":{"t":{"id":7,"label":"x"}}}`, ``},
		{"3", `{"metadata":{"t":{"3":"Sea","label":"x"}}}`, ``},
		{"3", `{"metadata":{"t":{"3":"Sea","en":"x"}}}`, ``},
		{"en", `{"other":{"t":{"en":"Sea"}}}`, ``},
		{"en", `{"metadata":{"t":{"u":{"en":"Sea"}}}}`, ``},
		{"en", `{"metadata":null}`, ``},
		{"", `{"metadata":{"t":{"en":"Sea"}}}`, ``},
	} {
		if tt.want == "" {
			tt.want = tt.data
		}
		got, err := InLanguage(json.RawMessage(tt.data), tt.language)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s in %q: %s, %v; want %s", tt.data, tt.language, got, err, tt.want)
		}
	}
	for _, data := range []string{`[]`, `{"a":`} {
		if got, err := InLanguage(json.RawMessage(data), "en"); err == nil {
			t.Errorf("%s: %s, want an error", data, got)
		}
	}
}

func TestOfTheEditorsAnswerTheLabelsAndValuesOfALanguageStay(t *testing.T) {
	t.Parallel()
	data := json.RawMessage(`{"additionalMetadata":` + editorAnswer + `}`)
	got, err := InLanguage(data, "1")
	const want = `{"additionalMetadata":{"fields":[{"groupId":7,"guid":"6AFE78B7-3F24-49F3-BF95-24890EA62696","itemId":51,"labels":{"1":{"label":"Emneord","labelId":10437,"languageId":1}},"metafieldId":501,"name":"Keywords","type":169},{"groupId":8,"guid":"0b8f0a3e-0000-4000-8000-000000000001","itemId":52,"labels":{"3":{"label":"Cleared","labelId":10440,"languageId":3}},"metafieldId":502,"name":"Cleared","type":61}],"groups":[{"groupId":7,"name":"Common"},{"groupId":8,"name":"Rights"}],"values":[{"itemId":9588,"labelId":10437,"type":169,"values":[{"id":2,"label":"hav","optionValue":"2"}]},{"itemId":9588,"labelId":10440,"type":61,"value":true}]}}`
	if err != nil || compact(t, got) != want {
		t.Errorf("%s, %v; want %s", compact(t, got), err, want)
	}
}

func TestLanguageTags(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"en": true, "EN": true, "gsw": true, "en-GB": true, "zh-Hant-TW": true, "pt_BR": true, "es-419": true, "sl-rozaj-biske": true,
		"": false, "e": false, "title": false, "e-GB": false, "en-": false, "-en": false, "en--GB": false, "e1": false, "3": false, "en-abcdefghi": false,
	} {
		if got := isTag([]byte(name)); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ asset, field, kind, want string }{
		{`{"metadata":{"Keywords":["sea"]}}`, "keywords", "", `["sea"]`},
		{`{"metadata":{"Keywords":{"type":300,"values":[1]}}}`, "keywords", "300", `[1]`},
		{`{"metadata":null,"additionalMetadata":[{"name":"a","value":1},{"name":"b","type":"60","Value":"x"}]}`, "B", "60", `"x"`},
		{`{"additionalMetadata":[{"guid":"g","items":[]}]}`, "G", "", `[]`},
		{`{"additionalMetadata":` + editorAnswer + `}`, "cleared", "61", `true`},
		{`{"additionalMetadata":` + editorAnswer + `}`, "emneord", "169", `[{"id":1,"label":"sea","optionValue":"1"}]`},
		{`{"keywords":1,"metadata":{}}`, "keywords", "", ``},
		{`{}`, "keywords", "", ``},
	} {
		got, ok := Find(parse(t, tt.asset), NewNames(tt.field))
		if ok != (tt.want != "") || string(got.JSON) != tt.want || got.Type != tt.kind {
			t.Errorf("%s of %s: %s of type %q, %v; want %s of type %q", tt.field, tt.asset, got.JSON, got.Type, ok, tt.want, tt.kind)
		}
	}
}

func TestAllFields(t *testing.T) {
	t.Parallel()
	asset := parse(t, `{"metadata":{"a":1,"b":{"value":2}},"x":9,"additionalMetadata":[{"name":"c","values":[3]},4]}`)
	var got []string
	for v := range All(asset) {
		got = append(got, string(v.JSON))
	}
	if want := []string{"1", "2", "[3]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	editor := parse(t, `{"metadata":`+editorAnswer+`}`)
	if n := len(slices.Collect(All(editor))); n != 3 {
		t.Errorf("%d values, want 3", n)
	}
}
