package debt

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAMessageIDIsOneGenerationOfOneDebt(t *testing.T) {
	t.Parallel()
	d := newDebt()
	if got, want := d.MessageID(), "msg_"+d.ID.String()+"_1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	first := d.MessageID()
	d.Force(noon)
	if d.MessageID() != first {
		t.Error("a retry has another message id")
	}
	d.Merge(edit("e2", "title"), noon)
	if d.MessageID() == first {
		t.Error("a newer generation has the same message id")
	}
	other := New(NewID(noon, 1, 2), edit("e1", "title"), noon)
	if other.MessageID() == first {
		t.Error("another debt has the same message id")
	}
}

func TestIDsReadBackAndSortAsTheyWereMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		salt := rapid.Uint16().Draw(t, "salt")
		seq := rapid.Uint64Range(0, 1<<64-2).Draw(t, "seq")
		created := time.UnixMilli(rapid.Int64Range(-1<<40, 1<<47).Draw(t, "ms"))
		id := NewID(created, salt, seq)
		for _, text := range []string{id.String(), strings.ToLower(id.String())} {
			back, err := ParseID(text)
			if err != nil || back != id {
				t.Fatalf("%s reads back as %s, %v", text, back, err)
			}
		}
		if id.Seq() != seq {
			t.Fatalf("seq is %d, want %d", id.Seq(), seq)
		}
		if next := NewID(created.Add(time.Millisecond), salt, seq+1); next == id || next.String() < id.String() && created.UnixMilli() >= 0 {
			t.Fatalf("%s comes after %s", id, next)
		}
		if other := NewID(created, salt+1, seq); other == id {
			t.Fatalf("two stores share %s", id)
		}
	})
}

func TestAnIDHoldsItsTime(t *testing.T) {
	t.Parallel()
	if got, want := NewID(time.UnixMilli(0x010203040506), 0x0708, 0x090a0b0c0d0e0f10), (ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}); got != want {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestParseIDSaysWhatAnIDIs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x", "7", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX", "01ARZ3NDEKTSV4RRFFQ69G5FAU!",
		"81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAé", strings.Repeat("9", 1000),
	} {
		id, err := ParseID(text)
		if err == nil {
			t.Errorf("%.40q is %s", text, id)
			continue
		}
		if !strings.Contains(err.Error(), "dz failures list") || len(err.Error()) > 150 {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Fatalf("%q is %s, which reads back as %s, %v", text, id, again, err)
		}
	})
}
