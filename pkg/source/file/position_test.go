package file

import (
	"bytes"
	"strings"
	"testing"

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

// Any bytes are either refused or a position that is saved as it was read.
func FuzzPosition(f *testing.F) {
	st := &stream{path: "/spool/events.ndjson", name: "/spool/events.ndjson.1", id: fileID{1, 2}}
	st.mark = st.mark.advance([]byte(lines("a", "b")))
	data, err := st.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"path":"/x","offset":9223372036854775807,"fingerprint":{"len":1024},"tail":{"len":256}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := decodeStream("1", data)
		if err != nil {
			return
		}
		if ok, err := first.mark.check(bytes.NewReader(nil)); err != nil || (ok && first.mark.offset > 0) {
			t.Fatalf("an empty file is known: %v %v", ok, err)
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
	})
}
