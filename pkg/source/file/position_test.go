package file

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/source"
)

// A mark knows a file that has what it saw, whether it was told in pieces or
// restored, and no other.
func TestMark(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 1, 5000).Draw(t, "text")
		offset := rapid.IntRange(0, len(text)).Draw(t, "offset")
		var told mark
		for at := 0; at < offset; {
			n := rapid.IntRange(1, offset-at).Draw(t, "piece")
			told = told.advance(text[at : at+n])
			at += n
		}
		read, err := markAt(bytes.NewReader(text), int64(offset))
		if err != nil {
			t.Fatal(err)
		}
		if told.offset != read.offset || told.head.fingerprint() != read.head.fingerprint() || told.tail.fingerprint() != read.tail.fingerprint() {
			t.Fatalf("told %+v\nread %+v", told, read)
		}
		data, err := (&stream{key: "1", path: "/x", name: "/y", mark: told}).encode()
		if err != nil {
			t.Fatal(err)
		}
		st, err := decodeStream("1", data)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := st.mark.check(bytes.NewReader(text)); err != nil || !ok {
			t.Fatalf("not known again: %v %v", ok, err)
		}
		if offset == 0 {
			return
		}
		near := rapid.OneOf(rapid.IntRange(0, min(offset, headLength)-1), rapid.IntRange(max(offset-tailLength, 0), offset-1)).Draw(t, "byte")
		text[near]++
		again, err := decodeStream("1", data)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []mark{st.mark, again.mark} {
			if ok, err := m.check(bytes.NewReader(text)); err != nil || ok {
				t.Fatalf("another file is taken for it: %v %v", ok, err)
			}
		}
		if ok, err := st.mark.check(bytes.NewReader(text[:offset-1])); err != nil || ok {
			t.Fatalf("a shorter file is taken for it: %v %v", ok, err)
		}
	})
}

func TestForeignPositionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, stream, data, want string }{
		{"not JSON", "1", "x", "not a file position"},
		{"other JSON", "1", `{"queue":"q"}`, "version 0"},
		{"a later version", "1", `{"version":2,"path":"/x"}`, "version 2, this program reads version 1"},
		{"no path", "1", `{"version":1}`, "names no path"},
		{"a negative offset", "1", `{"version":1,"path":"/x","offset":-1}`, "negative"},
		{"no fingerprint", "1", `{"version":1,"path":"/x","offset":5}`, "fingerprint"},
		{"no number", "queue", `{"version":1,"path":"/x"}`, "not a number"},
		{"forgotten", "1", ``, "not a file position"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := New("spool", "/x", []source.Position{{Stream: test.stream, Data: []byte(test.data)}}, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "spool") {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestPatternsAreChecked(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":              "empty",
		"/spool/[a":     "syntax error in pattern",
		"/spool/**/a.b": "** is not supported",
	} {
		if _, err := New("spool", pattern, nil, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", pattern, err, want)
		}
	}
}

// Any bytes are either refused or a position that is saved as it was read. It is
// taken for a place in a file only if the file has before it what the position
// says was read.
func FuzzPosition(f *testing.F) {
	text := []byte(lines(sequence(0, 20)...))
	for _, offset := range []int{0, 1, tailLength, headLength, headLength + 1, len(text)} {
		st := &stream{path: "/spool/events.ndjson", name: "/spool/events.ndjson.1", id: fileID{1, 2}, done: offset == 1}
		st.mark = st.mark.advance(text[:offset])
		data, err := st.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, text)
		f.Add(data, text[:offset])
		f.Add(data, text[:offset/2])
		for _, at := range []int{0, headLength / 2, offset - 1} {
			if changed := bytes.Clone(text); at >= 0 && at < offset {
				changed[at]++
				f.Add(data, changed)
			}
		}
	}
	f.Add([]byte(`{"version":1,"path":"/x","offset":9223372036854775807,"fingerprint":{"len":1024},"tail":{"len":256}}`), text)
	f.Add([]byte(`{"version":1,"path":"/x","offset":0,"modified":-9223372036854775808,"since":9223372036854775807}`), text)
	f.Fuzz(func(t *testing.T, data, text []byte) {
		first, err := decodeStream("1", data)
		if err != nil {
			if err.Error() == "" || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q is refused with %q", data, err)
			}
			return
		}
		again, err := first.encode()
		if err != nil {
			t.Fatal(err)
		}
		second, err := decodeStream("1", again)
		if err != nil {
			t.Fatalf("own position refused: %v", err)
		}
		third, err := second.encode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(again), string(third)); diff != "" {
			t.Fatal(diff)
		}
		at, size := first.mark.offset, int64(len(text))
		known := at <= size && first.mark.head.is(text[:min(at, headLength)]) && first.mark.tail.is(text[at-min(at, tailLength):at])
		if ok, err := first.mark.check(bytes.NewReader(text)); err != nil || ok != known {
			t.Fatalf("%s of %q: known again %v (%v), want %v", data, text, ok, err, known)
		}
	})
}
