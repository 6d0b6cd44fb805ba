package endpoint

import (
	"strings"
	"testing"
)

func TestMaskJSONHidesValuesAndShowsNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"apiKey":"k","retries":3,"on":true,"none":null,"at":{"list":["a",{"b":1}]}}`: `{"apiKey":"***","at":{"list":["***",{"b":"***"}]},"none":"***","on":"***","retries":"***"}`,
		`{}`:        `{}`,
		`[]`:        `[]`,
		`"k"`:       `"***"`,
		`{"<a>":7}`: `{"<a>":"***"}`,
	} {
		got, err := MaskJSON([]byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	if _, err := MaskJSON([]byte(`{"apiKey":s3cret`)); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("what is no JSON: %v", err)
	}
}

func TestMasksInJSONStandForWhatIsStored(t *testing.T) {
	t.Parallel()
	const stored = `{"apiKey":"k","size":1.50,"at":{"a/b":"x","list":["a","b"]},"none":null}`
	for _, tt := range []struct{ sent, want, err string }{
		{`{"b": 1, "a": 2}`, `{"b": 1, "a": 2}`, ""}, // as it was written
		{
			`{"apiKey":"***","size":"***","at":{"a/b":"***","list":["***","***"]},"none":"***"}`,
			`{"apiKey":"k","at":{"a/b":"x","list":["a","b"]},"none":null,"size":1.50}`, "",
		},
		{`{"apiKey":"***","size":2}`, `{"apiKey":"k","size":2}`, ""},
		{`{"apiKey":"\u002a**"}`, `{"apiKey":"k"}`, ""},
		{`{"at":{"list":["***","c"]}}`, `{"at":{"list":["a","c"]}}`, ""},
		{`{"at":{"list":["***"]}}`, "", "/at/list/0 has the value ***, which stands for a stored one, and none is stored there"},
		{`{"apikey":"***"}`, "", "/apikey has the value ***"},
		{`{"at":{"a~/b":"***"}}`, "", "/at/a~0~1b has the value ***"},
		{`{"at":"***"}`, "", "/at has the value ***"},
		{`{"apiKey":{"of":"***"}}`, "", "/apiKey/of has the value ***"},
		{`"***"`, "", "it has the value ***"},
	} {
		got, err := UnmaskJSON([]byte(tt.sent), []byte(stored))
		if tt.err == "" && (err != nil || string(got) != tt.want) || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err)) {
			t.Errorf("%s: %s, %v, want %s %s", tt.sent, got, err, tt.want, tt.err)
		}
	}
	if _, err := UnmaskJSON([]byte(`{"apiKey":"***"}`), nil); err == nil {
		t.Error("a mask stands for nothing, and is taken")
	}
}
