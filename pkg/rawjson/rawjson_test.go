package rawjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMembersAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	v := parse(t, " {\n \"a\" : 1.50 , \"b\\u0063\":{\"x\":[1, 2],\"}\":\"\\\"]\"},\"a\":\"\\n\",\"\":null } \t")
	var got []string
	for m := range v.Members {
		got = append(got, string(m.Name)+"|"+string(m.Value)+"|"+string(m.Text))
		if at := string(v[m.At : m.At+len(m.Value)]); at != string(m.Value) {
			t.Errorf("%q lies where %q should", at, m.Value)
		}
	}
	want := []string{
		`a|1.50|"a" : 1.50`, `bc|{"x":[1, 2],"}":"\"]"}|"b\u0063":{"x":[1, 2],"}":"\"]"}`, `a|"\n"|"a":"\n"`, `|null|"":null`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestElementsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var got []string
	for v := range parse(t, ` [ 1,"a]" ,{"b": 2},[[]] , true] `).Elements {
		got = append(got, string(v))
	}
	if want := []string{`1`, `"a]"`, `{"b": 2}`, `[[]]`, `true`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadingCanBeBrokenOff(t *testing.T) {
	t.Parallel()
	for range parse(t, `{"a":1,"b":2}`).Members {
		break
	}
	for range parse(t, `[1,2]`).Elements {
		break
	}
	for _, text := range []string{`1`, `"a"`, `null`, `[]`, `{}`} {
		for range parse(t, text).Members {
			t.Errorf("%s has a member", text)
		}
		for range parse(t, text).Elements {
			t.Errorf("%s has an element", text)
		}
	}
}

func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsNotJSONIsRefusedWithThePlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                          "no value at byte 0",
		`{"a":1} x`:                 "more after the end at byte 8",
		`{"a":1`:                    "neither comma nor brace after a member at byte 6",
		`{"a":[1 2]}`:               "neither comma nor bracket after an element at byte 8",
		`{"a":01}`:                  "neither comma nor brace after a member at byte 6",
		`{"a":-}`:                   "no digit at byte 6",
		`{"a":1.}`:                  "no digit after the point at byte 7",
		`{"a":1e}`:                  "no digit in the exponent at byte 7",
		`{"a" 1}`:                   "no colon after a name at byte 5",
		`{a:1}`:                     "no string at byte 1",
		`{"a":nul}`:                 "no value at byte 5",
		`{"a":`:                     "no value at byte 5",
		`{"a`:                       "no end of a string at byte 3",
		"{\"a\x01\":1}":             "a control character in a string at byte 3",
		`{"\x":1}`:                  "no such escape in a string at byte 4",
		`{"\u00g0":1}`:              "no such escape in a string at byte 4",
		strings.Repeat(`{"":`, 1e5): "more than 10000 levels deep",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v, want %q", text, err, want)
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{ "b" : 1, "a" : [ 2, {"d":null, "c":true} ] }`:                  `{"a":[2,{"c":true,"d":null}],"b":1}`,
		`{"b":1.0,"a":1e2,"aa":-0}`:                                       `{"a":1e2,"aa":-0,"b":1.0}`,
		`{"\u0061":"\u00e9\/\t\"","url":1,"x":{"url":2,"a":[{"url":3}]}}`: "{\"a\":\"\u00e9/\\u0009\\\"\",\"url\":1,\"x\":{\"a\":[{}]}}",
		`{"a":2,"b":0,"a":1}`:                                             `{"a":2,"a":1,"b":0}`,
		` "x" `:                                                           `"x"`,
		`[]`:                                                              `[]`,
	} {
		nestedURL := func(path [][]byte, _ Value) bool { return len(path) > 1 && string(path[len(path)-1]) == "url" }
		got, err := AppendCanonical(nil, []byte(text), nestedURL)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestThePathLeadsFromTheOutermostObject(t *testing.T) {
	t.Parallel()
	var paths []string
	_, err := AppendCanonical(nil, []byte(`{"a":{"b":[{"c":1}]},"d":2}`), func(path [][]byte, value Value) bool {
		paths = append(paths, string(bytes.Join(path, []byte(".")))+" "+string(value))
		return false
	})
	if want := []string{`a {"b":[{"c":1}]}`, "d 2", `a.b [{"c":1}]`, "a.b.c 1"}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("%q, %v; want %q", paths, err, want)
	}
}

func TestNumbersAreWholeWhereTheyCanBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		`1`: 1, `-0`: 0, `1.0`: 1, `1e3`: 1000, `1.5`: 1.5, `9007199254740993`: 9007199254740993,
		`1e300`: 1e300, `123456789012345678901234567890`: 1.2345678901234568e29,
	} {
		if got, err := Decode([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %T %v, %v; want %T %v", text, got, got, err, want, want)
		}
	}
}

// encoding/json is the judge of what is valid, what strings say and what a value
// is; the canonical form says the same as the text, and is its own.
func FuzzReadsAsEncodingJSONDoes(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e+7,true,false,null,"x\u0041\ud83d\ude00\ud800"],"b":{}}`, ` [ ] `, `{"a":1,"a":2}`, `{"z":{"b":1,"a":2},"y":"\\\""}`,
		`1`, `"\ud800\u0041"`, `{"a":1,}`, `[1 2]`, `{"a":"` + "\x7f\xff" + `"}`, `"\u2028` + "\u2028" + `"`, `-`, `nulll`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := Parse(text)
		if known := Known(text); err == nil && string(known) != string(parsed) {
			t.Fatalf("%q is known as %q, and read as %q", text, known, parsed)
		} else if walk(known) > len(text)+1 {
			t.Fatalf("%q holds more values than bytes", text)
		}
		if valid := json.Valid(text); valid != (err == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", text, err, valid)
		}
		sameInOnePass(t, text, parsed, err)
		canonical, canonicalErr := AppendCanonical(nil, text, nil)
		value, decodeErr := Decode(text)
		if (err == nil) != (decodeErr == nil) || (err == nil) != (canonicalErr == nil) {
			t.Fatalf("%q: %v, %v and %v", text, err, canonicalErr, decodeErr)
		}
		var want any
		if err != nil || !utf8.Valid(text) || json.Unmarshal(text, &want) != nil { // which refuses numbers out of range
			return
		}
		var fromCanonical any
		if err := json.Unmarshal(canonical, &fromCanonical); err != nil {
			t.Fatalf("%q: %q: %v", text, canonical, err)
		}
		wanted, same := marshal(t, want), marshal(t, fromCanonical)
		got := marshal(t, floats(value))
		if got != marshal(t, floats(want)) || same != wanted {
			t.Fatalf("%q: decoded %s, canonical %s, want %s", text, got, same, wanted)
		}
		again, err := AppendCanonical(nil, canonical, nil)
		if err != nil || !bytes.Equal(again, canonical) {
			t.Fatalf("%q: %q, then %q, %v", text, canonical, again, err)
		}
		sameAsDecoded(t, text, value)
	})
}

// sameInOnePass has a reader agree with what Parse says, and the values that it passes by.
func sameInOnePass(t *testing.T, text []byte, parsed Value, parseErr error) {
	t.Helper()
	r := NewReader(text)
	var got, want []byte
	err := readAll(&r, &got)
	if err == nil {
		err = r.End()
	}
	if (err == nil) != (parseErr == nil) || err != nil && err.Error() != parseErr.Error() {
		t.Fatalf("%q: %v in one pass, else %v", text, err, parseErr)
	}
	if want = flat(parsed, nil); err == nil && string(got) != string(want) {
		t.Fatalf("%q: in one pass %q, want %q", text, got, want)
	}
}

// readAll reads a value by what it holds, and notes it as flat does.
func readAll(r *Reader, out *[]byte) error {
	switch r.Next() {
	case '{':
		return r.Object(func(name []byte) error {
			*out = append(append(*out, name...), ':')
			return readAll(r, out)
		})
	case '[':
		return r.Array(func() error { return readAll(r, out) })
	default:
		value, err := r.Value()
		*out = append(*out, value...)
		if text, ok := value.AppendText((*out)[:len(*out):len(*out)]); ok && err == nil {
			*out = text
		}
		*out = append(*out, ' ')
		return err
	}
}

// flat is all that a value holds, in its order, strings also as what they say.
func flat(v Value, out []byte) []byte {
	if len(v) == 0 {
		return out
	}
	switch v[0] {
	case '{':
		for m := range v.Members {
			out = flat(m.Value, append(append(out, m.Name...), ':'))
		}
	case '[':
		for element := range v.Elements {
			out = flat(element, out)
		}
	default:
		out = append(out, v...)
		text, _ := v.String()
		out = append(append(out, text...), ' ')
	}
	return out
}

// walk goes through all that a value holds, which may be no JSON, and counts it.
func walk(v Value) int {
	n := 1
	v.String()
	for m := range v.Members {
		n += walk(m.Value)
	}
	for element := range v.Elements {
		n += walk(element)
	}
	return n
}

// Whoever takes a text for JSON that is none gets something of it, and no panic.
func TestWhatIsTakenForJSONNeedNotBe(t *testing.T) {
	t.Parallel()
	whole := `{"a" : [1, {"\u0062\\\"":"\ud83d\ude00"}, [ ], "x]"], "c":null } `
	for _, text := range []string{whole, `{"a"}`, `{1:2}`, `{,}`, `[,`, `{"a":,"b":1}`, `"`, `"\`, `"\u12"`, `[[`, ``, ` `} {
		for cut := range len(text) {
			walk(Known([]byte(text[:cut])))
			walk(Known([]byte(text[:cut] + text[cut+1:])))
		}
	}
	if got := walk(Known([]byte(whole))); got != 8 {
		t.Errorf("%s holds %d values, want 8", whole, got)
	}
}

// sameAsDecoded compares what the values of a text yield with what is decoded.
func sameAsDecoded(t *testing.T, text []byte, want any) {
	t.Helper()
	v := parse(t, string(text))
	switch want := want.(type) {
	case map[string]any:
		last := make(map[string]Value)
		for m := range v.Members {
			last[string(m.Name)] = m.Value
			if string(m.Value) != string(v[m.At:m.At+len(m.Value)]) || !bytes.HasSuffix(m.Text, m.Value) {
				t.Fatalf("%q: member %q", text, m.Text)
			}
		}
		if len(last) != len(want) {
			t.Fatalf("%q: %d members, want %d", text, len(last), len(want))
		}
		for name, value := range want {
			sameAsDecoded(t, last[name], value)
		}
	case []any:
		elements := slices.Collect(v.Elements)
		if len(elements) != len(want) {
			t.Fatalf("%q: %d elements, want %d", text, len(elements), len(want))
		}
		for i, value := range want {
			sameAsDecoded(t, elements[i], value)
		}
	case string:
		if said, ok := v.String(); !ok || string(said) != want {
			t.Fatalf("%q says %q, want %q", text, said, want)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// floats makes all numbers what encoding/json makes of them, and -0 a 0.
func floats(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v + 0
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = floats(v[name])
		}
	}
	return v
}
