package gateway

import (
	"bytes"
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

var notes = []note{
	{},
	{user: event.StringID("119574")},
	{session: event.IntID(8), streamType: "video"},
	{user: event.IntID(0), session: event.StringID("0"), domain: event.IntID(484), refNr: "R & <D>", streamType: "audio"},
	{refNr: string(bytes.Repeat([]byte("é"), 40_000))},
}

func TestNotesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, n := range notes {
		got, err := decodeNote(n.encode())
		if err != nil || got != n {
			t.Errorf("%+v is read as %+v, %v", n, got, err)
		}
	}
	if raw := (note{}).encode(); raw != nil {
		t.Errorf("nothing to note is stored as %q", raw)
	}
	// The form is in stores, so it stays.
	const want = "\x01\x03\"7\"\x018\x03484\x01r\x05video"
	n := note{user: event.StringID("7"), session: event.IntID(8), domain: event.IntID(484), refNr: "r", streamType: "video"}
	if got := n.encode(); string(got) != want {
		t.Errorf("stored as %q, want %q", got, want)
	}
}

// What is not a whole note of this version is an error, never another note.
func FuzzNote(f *testing.F) {
	for _, n := range notes {
		raw := n.encode()
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
		f.Add(append(raw, 0))
	}
	f.Add([]byte{2})
	f.Add([]byte("\x01\x01x\x00\x00\x00\x00"))
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := decodeNote(raw)
		if err != nil {
			if n != (note{}) {
				t.Errorf("%q: %+v beside the error %v", raw, n, err)
			}
			return
		}
		again, err := decodeNote(n.encode())
		if err != nil || again != n {
			t.Errorf("%q is read as %+v, and written again as %+v, %v", raw, n, again, err)
		}
		if len(raw) > 0 && raw[0] != noteVersion {
			t.Errorf("%q is of another version", raw)
		}
	})
}
