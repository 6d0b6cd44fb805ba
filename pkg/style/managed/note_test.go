package managed

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

var notes = []note{
	{},
	{unnamed: true},
	{whatever: true, unnamed: true, manyFields: true, anyFormat: true},
	{fields: []string{"title", "R & <Ü>", ""}},
	{formats: []event.ID{event.IntID(50036), event.StringID("50036")}},
	{fields: []string{"title"}, formats: []event.ID{event.StringID("x")}, anyFormat: true},
}

func TestNotesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, n := range notes {
		got, err := decodeNote(n.encode())
		if err != nil || !reflect.DeepEqual(got, n) {
			t.Errorf("%+v is read as %+v, %v", n, got, err)
		}
	}
	// The form is in stores, so it stays.
	const want = "\x01\x0a\x01\x05title\x02\x017\x03\"x\""
	n := note{unnamed: true, anyFormat: true, fields: []string{"title"}, formats: []event.ID{event.IntID(7), event.StringID("x")}}
	if got := n.encode(); string(got) != want {
		t.Errorf("stored as %q, want %q", got, want)
	}
}

func TestANoteSaysWhatAnEventDoes(t *testing.T) {
	t.Parallel()
	many := make([]string, maxNoted+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"f%d"`, i)
	}
	list := "[" + strings.Join(many, ",") + "]"
	for _, tt := range []struct {
		typ, more string
		want      note
	}{
		{"AssetMetadataUpdated", `,"changedFields":["title","colour"]`, note{fields: []string{"title", "colour"}}},
		{"AssetMetadataUpdated", "", note{unnamed: true}},
		{"AssetMetadataUpdated", `,"changedFields":[]`, note{unnamed: true}},
		{"AssetUploadFinished", "", note{unnamed: true}},
		{"AssetDeleted", "", note{unnamed: true}},
		{"AssetCreated", "", note{unnamed: true, created: true}},
		{"AssetProfilePublished", `,"formats":[50036]`, note{formats: []event.ID{event.IntID(50036)}}},
		{"AssetProfilePublished", "", note{unnamed: true, anyFormat: true}},
		{"AssetUploadFinished", `,"formats":[50036]`, note{unnamed: true, formats: []event.ID{event.IntID(50036)}}},
		{"AssetMetadataUpdated", `,"changedFields":` + list, note{manyFields: true}},
		{"AssetProfilePublished", `,"formats":` + list, note{anyFormat: true}},
	} {
		if got := noteOf(newRig(t, "").event(tt.typ, "1", tt.more)); !bytes.Equal(got.encode(), tt.want.encode()) {
			t.Errorf("%s%.40s: %+v, want %+v", tt.typ, tt.more, got, tt.want)
		}
	}
}

func TestFoldingKeepsAllThatMatters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b, want note }{
		{note{fields: []string{"a"}}, note{fields: []string{"b", "a"}}, note{fields: []string{"a", "b"}}},
		{note{fields: []string{"a"}}, note{unnamed: true}, note{fields: []string{"a"}, unnamed: true}},
		{note{unnamed: true}, note{whatever: true}, note{unnamed: true, whatever: true}},
		{note{formats: []event.ID{event.IntID(1)}}, note{anyFormat: true}, note{formats: []event.ID{event.IntID(1)}, anyFormat: true}},
		{note{manyFields: true}, note{fields: []string{"a"}}, note{manyFields: true, fields: []string{"a"}}},
	} {
		got, err := decodeNote(fold(tt.a.encode(), tt.b.encode()))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%+v and %+v: %+v, %v; want %+v", tt.a, tt.b, got, err, tt.want)
		}
	}
	// What can't be read may have said anything.
	for _, broken := range [][]byte{nil, {2, 0, 0, 0}, {1}} {
		for _, folded := range [][]byte{fold(broken, note{}.encode()), fold(note{}.encode(), broken)} {
			if got, err := decodeNote(folded); err != nil || !got.whatever {
				t.Errorf("%q: %+v, %v", broken, got, err)
			}
		}
	}
}

// A debt that changes for ever keeps a note of one size.
func TestANoteDoesNotGrow(t *testing.T) {
	t.Parallel()
	var folded []byte
	for i := range 10 * maxNoted {
		news := note{fields: []string{fmt.Sprint(i)}, formats: []event.ID{event.IntID(int64(i))}}.encode()
		if folded == nil {
			folded = news
			continue
		}
		folded = fold(folded, news)
	}
	got, err := decodeNote(folded)
	if err != nil || !got.manyFields || !got.anyFormat || len(got.fields) > maxNoted || len(got.formats) > maxNoted {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is not a whole note of this version is an error, never another note; two
// notes always make one that can be read.
func FuzzNote(f *testing.F) {
	for _, n := range notes {
		raw := n.encode()
		f.Add(raw, raw)
		f.Add(raw[:len(raw)/2], raw)
		f.Add(append(bytes.Clone(raw), 0), raw)
	}
	f.Add([]byte{2, 0, 0, 0}, []byte("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n, err := decodeNote(a)
		if err == nil {
			again, err := decodeNote(n.encode())
			if err != nil || !reflect.DeepEqual(again, n) {
				t.Errorf("%q is read as %+v, and written again as %+v, %v", a, n, again, err)
			}
		}
		folded, errFold := decodeNote(fold(a, b))
		if errFold != nil {
			t.Errorf("%q and %q: %v", a, b, errFold)
		}
		if (err != nil || n.whatever) && !folded.whatever {
			t.Errorf("%q and %q: %+v may leave something out", a, b, folded)
		}
	})
}
