package event

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAnIDGoesOutAsItCameIn(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`5`: `5`, `-5`: `-5`, `0`: `0`, `-0`: `0`, `"5"`: `"5"`, `"a/b?c=d&e=<f>"`: `"a/b?c=d&e=<f>"`,
		`123456789012345678901234567890`: `123456789012345678901234567890`,
		`"\u0041\/"`:                     `"A/"`, `"ø"`: `"ø"`, `"\ufffd"`: `"` + "\ufffd" + `"`, `"\ud83d\ude00"`: `"😀"`, `null`: `null`,
	} {
		var id ID
		if err := json.Unmarshal([]byte(in), &id); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		out, err := id.MarshalJSON() // json.Marshal would escape < and >
		if err != nil || string(out) != want {
			t.Errorf("%s goes out as %s, %v; want %s", in, out, err, want)
		}
	}
}

func TestWhatIsNoID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`1.5`: "neither an integer nor a string", `1e3`: "neither", `true`: "neither", `[1]`: "neither", `{}`: "neither",
		`""`: "empty", `"\ud800"`: "half a surrogate pair", "\"a\xff\"": "half a surrogate pair or is not UTF-8",
		strings.Repeat("1", 513):                  "longer than 512 bytes",
		`"` + strings.Repeat("a", 511) + `"`:      "longer than 512 bytes",
		`"` + strings.Repeat("\u2028", 150) + `"`: "longer than 512 bytes", // six bytes each once escaped
	} {
		id := IntID(7)
		if err := id.UnmarshalJSON([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s reads as %v, %v; want an error with %q", in, id, err, want)
		}
	}
}

func TestWhatIsCanonicalIsReadWithoutADecoder(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", maxIDLength)
	for _, text := range []string{`16`, `0`, `-3`, `"a"`, `"16"`, `"a b~"`, long} {
		want := ID{}
		err := want.UnmarshalJSON([]byte(" " + text + " "))
		if got, ok := CanonicalID(text); err != nil || !ok || got != want || got.JSON() != text {
			t.Errorf("%.20s is read as %q (%t), want %q, %v", text, got.JSON(), ok, want.JSON(), err)
		}
	}
	for _, text := range []string{``, ` 16`, `16 `, `-0`, `016`, `1.0`, `1e3`, `""`, `"a`, `null`, `true`, `"\u0061"`, `"ä"`, `{}`, long + "7"} {
		if got, ok := CanonicalID(text); ok || !got.IsZero() {
			t.Errorf("%.20s is read as %q", text, got.JSON())
		}
	}
}

func TestIDsArePlainToPeople(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id       ID
		text     string
		isString bool
	}{
		{IntID(-5), "-5", false}, {StringID("5"), "5", true}, {StringID(`a"b`), `a"b`, true}, {ID{}, "", false},
	} {
		if test.id.String() != test.text || test.id.IsString() != test.isString {
			t.Errorf("%s prints %q, string %v", test.id.JSON(), test.id, test.id.IsString())
		}
	}
	if IntID(5) == StringID("5") {
		t.Error(`5 and "5" are one id`)
	}
	if !StringID("").IsZero() || IntID(0).IsZero() {
		t.Error("the empty string is no id, 0 is one")
	}
}

func TestParseIDReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ID{
		"5": IntID(5), "-5": IntID(-5), `"5"`: StringID("5"), "007": StringID("007"), "a b": StringID("a b"),
		"1.5": StringID("1.5"), "null": StringID("null"), `"a\"b"`: StringID(`a"b`), `a"b`: StringID(`a"b`),
		strings.Repeat("a", 510): StringID(strings.Repeat("a", 510)),
	} {
		if got, err := ParseID(text); err != nil || got != want {
			t.Errorf("ParseID(%q) = %s, %v; want %s", text, got.JSON(), err, want.JSON())
		}
	}
	for text, want := range map[string]string{
		"": "empty", `""`: "empty", `"a`: "not a JSON string", `"a" b`: "not a JSON string", "\xff": "not UTF-8",
		// Longer than the limit only once it is quoted, and escaped.
		strings.Repeat("a", 511):       "longer than 512 bytes",
		"a" + strings.Repeat(`"`, 300): "longer than 512 bytes",
	} {
		if got, err := ParseID(text); err == nil || !strings.Contains(err.Error(), want) || !got.IsZero() {
			t.Errorf("ParseID(%.20q) = %s, %v; want an error with %q", text, got.JSON(), err, want)
		}
	}
}

func TestDifferentIDsHaveDifferentTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(1, 40, -1).Draw(t, "a"), rapid.StringN(1, 40, -1).Draw(t, "b")
		if (a == b) != (StringID(a).JSON() == StringID(b).JSON()) {
			t.Fatalf("%q and %q have the texts %s and %s", a, b, StringID(a).JSON(), StringID(b).JSON())
		}
		if got := StringID(a).String(); got != a {
			t.Fatalf("%q prints %q", a, got)
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"5", "-0", `"5"`, "007", "a b", `"\ud800"`, `"\u2028<>&"`, "\xff", `"`, "-", " 5", "5 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			if !id.IsZero() {
				t.Fatalf("ParseID(%q) = %s beside %v", text, id.JSON(), err)
			}
			return
		}
		if id.IsZero() || len(id.JSON()) > maxIDLength || !json.Valid([]byte(id.JSON())) {
			t.Fatalf("ParseID(%q) = %q", text, id.JSON())
		}
		if again, err := ParseID(id.JSON()); err != nil || again != id {
			t.Fatalf("ParseID(%q) = %s, which reads as %s, %v", text, id.JSON(), again.JSON(), err)
		}
	})
}

// What is read without a decoder is what the decoder would have read.
func TestPlainIDsAreReadAsTheDecoderReadsThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"title", "a b", "~", "/x.y-z_0", `{"a":1}`, "<>&", "Größe", "\u2028", `back\slash`, `quo"te`, "tab\t", "\x7f", "5",
	} {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var id ID
		if err := json.Unmarshal(quoted, &id); err != nil {
			t.Errorf("%s: %v", quoted, err)
		}
		if id != StringID(text) || id.String() != text {
			t.Errorf("%s is read as %s, which is %q; want %s", quoted, id.JSON(), id.String(), StringID(text).JSON())
		}
	}
}
