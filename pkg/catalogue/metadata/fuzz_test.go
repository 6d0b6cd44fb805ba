package metadata

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// In a language, an asset is valid JSON with the same members, and stays so; what
// is found in it is valid too.
func FuzzInLanguage(f *testing.F) {
	for _, seed := range []string{
		`{"title":{"en":"Sea","da":"Hav"},"metadata":{"t":{"en":["Sea"],"da-DK":null},"u":{"en":1,"label":2}}}`,
		`{"additionalMetadata":` + editorAnswer + `}`, ` { "metadata" : [ {"name":"t","value":{"3":"Sea","1":"Hav"}} , 1 ] } `,
		`{"metadata":{"fields":[{"labels":{"en":{"labelId":1},"da":{"labelId":2}}},1],"values":[{"labelId":1},{"labelId":2},{}]}}`, `{"metadata":{"":{"en":1}}}`,
	} {
		f.Add([]byte(seed), "en")
		f.Add([]byte(seed), "1")
	}
	f.Fuzz(func(t *testing.T, data []byte, language string) {
		shown, err := InLanguage(data, language)
		if language == "" {
			return // and data is not looked at
		}
		object, parseErr := rawjson.Parse(data)
		if (err == nil) != (parseErr == nil && object[0] == '{') {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(shown) {
			t.Fatalf("%q in %q: %q is not valid", data, language, shown)
		}
		names := func(v rawjson.Value) (all []byte) {
			for m := range v.Members {
				all = append(append(all, m.Name...), 0)
			}
			return all
		}
		inLanguage, err := rawjson.Parse(shown)
		if err != nil || !bytes.Equal(names(object), names(inLanguage)) {
			t.Fatalf("%q in %q: %q, %v", data, language, shown, err)
		}
		for v := range All(inLanguage) {
			if !json.Valid(v.JSON) {
				t.Fatalf("%q in %q: the value %q", data, language, v.JSON)
			}
		}
		if v, ok := Find(object, NewNames(language)); ok && !json.Valid(v.JSON) {
			t.Fatalf("%q of %q: %q", language, data, v.JSON)
		}
	})
}
