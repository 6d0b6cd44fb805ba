package file

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/event"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		data  string
		first bool
		want  piece
	}{
		{"nothing", "", true, piece{}},
		{"a line", "abc\ndef\n", false, piece{line: []byte("abc"), total: 4}},
		{"no end", "abc", false, piece{}},
		{"CR LF", "abc\r\n", false, piece{line: []byte("abc"), total: 5}},
		{"one CR belongs to the end", "abc\r\r\n", false, piece{line: []byte("abc\r"), total: 6}},
		{"CR alone is no end", "abc\rdef", false, piece{}},
		{"empty", "\n", false, piece{line: []byte{}, total: 1}},
		{"byte-order mark", "\xef\xbb\xbfabc\n", true, piece{skip: 3, line: []byte("abc"), total: 7}},
		{"byte-order mark within a file", "\xef\xbb\xbfabc\n", false, piece{line: []byte("\xef\xbb\xbfabc"), total: 7}},
		{"half a byte-order mark", "\xef\xbb", true, piece{}},
		{"a hole", "\x00\x00abc\n", false, piece{skip: 2, line: []byte("abc"), total: 6}},
		{"a hole without an end", "\x00\x00", false, piece{skip: 2}},
		{"NUL within a line", "a\x00c\n", false, piece{line: []byte("a\x00c"), total: 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := cut([]byte(test.data), test.first)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(piece{})); diff != "" {
				t.Fatalf("cut(%q) (-want +got):\n%s", test.data, diff)
			}
		})
	}
}

// Whatever the bytes and wherever they are split, no byte is in two lines or in
// none, and lines are what lies between line feeds.
func FuzzCut(f *testing.F) {
	f.Add([]byte(lines("a", "b")), uint16(50))
	f.Add([]byte("\xef\xbb\xbf{}\r\n\n\x00\x00{}\n x"), uint16(2))
	f.Fuzz(func(t *testing.T, data []byte, split uint16) {
		var got []string
		at := 0
		for _, end := range []int{min(int(split), len(data)), len(data)} { // a part is seen first, then all
			for at < end {
				p := cut(data[at:end], at == 0)
				if p.total == 0 {
					break
				}
				if p.skip+len(p.line) >= p.total || at+p.total > end {
					t.Fatalf("%+v of %d bytes", p, end-at)
				}
				got = append(got, string(p.line))
				at += p.total
			}
		}
		whole := bytes.LastIndexByte(data, '\n') + 1
		if at != whole {
			t.Fatalf("%d bytes are in lines, want %d", at, whole)
		}
		var want []string
		if whole > 0 {
			want = strings.Split(strings.TrimPrefix(string(data[:whole-1]), byteOrderMark), "\n")
			if whole == len(byteOrderMark)+1 && len(want) == 1 && want[0] == "" {
				want = []string{""}
			}
		}
		for i := range want {
			want[i] = strings.TrimSuffix(strings.TrimLeft(want[i], "\x00"), "\r")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("lines (-want +got):\n%s", diff)
		}
	})
}

func TestIsWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a":1}`:      true,
		` {"a":{}} `:   true,
		`{"a":1}{`:     false,
		`{"a":1}{}`:    false,
		`{"a":"}`:      false,
		`{"a":{"b":1}`: false,
		`[1]`:          false,
		`1`:            false,
		`{`:            false,
		`}`:            false,
		``:             false,
	} {
		if got := isWhole([]byte(text)); got != want {
			t.Errorf("isWhole(%q) = %v", text, got)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", event.MaxLineLength)
	head := long[:40]
	const tooLong = "the line is longer than 1048576 bytes"
	for _, test := range []struct {
		name     string
		text     string
		ids      []string
		rejected []string
	}{
		{"CR LF", line("a") + "\r\n" + line("b") + "\r\n", []string{"a", "b"}, nil},
		{"byte-order mark", byteOrderMark + lines("a", "b"), []string{"a", "b"}, nil},
		{"nothing but a byte-order mark", byteOrderMark, nil, nil},
		{"blank lines", "\n \n\t\r\n" + lines("a") + "\n\n", []string{"a"}, nil},
		{
			"not JSON", "a=1\n" + lines("a"),
			[]string{"a"},
			[]string{`events.ndjson:0 not JSON: invalid character 'a' looking for beginning of value at byte 1: "a=1" (3)`},
		},
		{
			"not UTF-8", lines("a") + "\"\xff\"\n",
			[]string{"a"},
			[]string{`events.ndjson:94 not JSON: the line is not UTF-8: "\"\xff\"" (3)`},
		},
		{
			"a member is missing", `{"id":"x"}` + "\r\n" + lines("a"),
			[]string{"a"},
			[]string{`events.ndjson:0 required member source is missing: "{\"id\":\"x\"}" (10)`},
		},
		{
			"a rejected line after a byte-order mark", byteOrderMark + "x\n", nil,
			[]string{`events.ndjson:3 not JSON: invalid character 'x' looking for beginning of value at byte 1: "x" (1)`},
		},
		{
			"the longest line", lines("a") + strings.Replace(line("b"), "Größe", "Größe"+strings.Repeat("y", event.MaxLineLength-len(line("b"))), 1) + "\r\n" + lines("c"),
			[]string{"a", "b", "c"},
			nil,
		},
		{
			"a byte too long", lines("a") + "x" + long + "\r\n" + lines("b"),
			[]string{"a", "b"},
			[]string{"events.ndjson:94 " + tooLong + ": \"" + head + "\" (1048577)"},
		},
		{
			"far too long", lines("a") + strings.Repeat(long, 5) + "\r\n" + lines("b"),
			[]string{"a", "b"},
			[]string{"events.ndjson:94 " + tooLong + ": \"" + head + "\" (5242880)"},
		},
		{"a hole between lines", lines("a") + strings.Repeat("\x00", 3<<20) + lines("b"), []string{"a", "b"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.write(log, test.text)
			r.catchUp()
			r.wantIDs(test.ids...)
			r.wantRejected(test.rejected...)
			r.restart()
			r.catchUp()
			r.wantIDs()
			r.wantRejected()
		})
	}
}

func TestRejectionKeepsTheBeginningOfALongLine(t *testing.T) {
	t.Parallel()
	for _, length := range []int{5000, 3 << 20} {
		r := newRig(t, log)
		r.write(log, strings.Repeat("z", length)+"\n")
		r.catchUp()
		if len(r.rejected) != 1 {
			t.Fatalf("rejected: %s", r.rejections())
		}
		got := r.rejected[0]
		if got.Source != "spool" || got.File != r.path(log) || len(got.Line) != 4096 || got.Length != int64(length) || got.Time.IsZero() {
			t.Errorf("%s %s %d %d %v", got.Source, got.File, len(got.Line), got.Length, got.Time)
		}
	}
}

// A line may arrive in pieces of any size, split within a character too.
func TestPartialLines(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	text := []byte(lines("a", "b"))
	for i := range text {
		r.add(log, string(text[i:i+1]))
		r.store(r.step())
	}
	r.catchUp()
	r.wantIDs("a", "b")
	r.wantRejected()
}

func TestLongLineInPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.add(log, lines("a"))
	for range 30 {
		r.add(log, strings.Repeat("x", 100_000))
		r.catchUp()
	}
	r.wantIDs("a")
	r.wantRejected()
	if got := cap(r.src.buf.chunk); got > longestLine {
		t.Errorf("a buffer of %d bytes", got)
	}
	r.restart() // begins the line again
	r.catchUp()
	r.add(log, "\n"+lines("b"))
	r.catchUp()
	r.wantIDs("b")
	if len(r.rejected) != 1 || r.rejected[0].Length != 3_000_000 || r.rejected[0].Offset != int64(len(lines("a"))) {
		t.Errorf("rejected: %s", r.rejections())
	}
}

func TestLastLineWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		text string // without end
		rest string // what follows
		ids  []string
		then []string
	}{
		{"a whole event", line("a"), "\n" + lines("b"), []string{"a"}, []string{"b"}},
		{"a whole event, its end is CR LF", line("a"), "\r\n" + lines("b"), []string{"a"}, []string{"b"}},
		{"a whole event and another without a line feed between", line("a"), lines("b"), []string{"a"}, []string{"b"}},
		{"a part", line("a")[:30], line("a")[30:] + "\n", nil, []string{"a"}},
		{"half a character", line("a")[:strings.Index(line("a"), "ö")+1], line("a")[strings.Index(line("a"), "ö")+1:] + "\n", nil, []string{"a"}},
		{"white space", lines("a") + "  ", lines("b"), []string{"a"}, []string{"b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.write(log, test.text)
			r.catchUp()
			r.wantIDs(test.ids...)
			r.add(log, test.rest)
			r.catchUp()
			r.wantIDs(test.then...)
			r.wantRejected()
		})
	}
}

// As long as a line grows, it is not looked at, and dz has not caught up.
func TestLastLineRestsBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, line("a"))
	r.store(r.step())
	r.wantIDs()
	if r.src.Status().CaughtUp {
		t.Error("caught up before the line could be judged")
	}
	r.store(r.step())
	r.wantIDs("a")
	r.store(r.step())
	if !r.src.Status().CaughtUp {
		t.Error("not caught up")
	}
}

// A whole object that is no event waits for its end: the reason may be another
// then.
func TestWholeObjectThatIsNoEventIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, `{"id":"a"}`)
	r.catchUp()
	r.wantRejected()
	r.add(log, "\n")
	r.catchUp()
	r.wantRejected(`events.ndjson:0 required member source is missing: "{\"id\":\"a\"}" (10)`)
}
