package bolt

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

var sameID = cmp.Comparer(func(a, b event.ID) bool { return a == b })

// exceptInherited compares claims before a start with those after it.
var exceptInherited = cmpopts.IgnoreFields(debt.Debt{}, "Inherited")

// encodeDebt returns everything but endpoint and key, as one record.
func encodeDebt(s *stored) []byte { return appendMatter(appendCourse(nil, s), s) }

// anyTime is a time that dz may read from its clock.
func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(0, rapid.Int64Min(1).Draw(t, "ns")).UTC()
	})
}

// anyForeignTime is a time that RFC 3339 can say.
func anyForeignTime() *rapid.Generator[time.Time] {
	first, last := time.Time{}.Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(first, last).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
}

func anyID() *rapid.Generator[event.ID] {
	return rapid.OneOf(rapid.Map(rapid.Int64(), event.IntID), rapid.Map(rapid.StringN(0, 20, -1), event.StringID))
}

// anyList is nil, which is any, or a list.
func anyList[T any](of *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.OneOf(rapid.Just[[]T](nil), rapid.SliceOfN(of, 0, 5))
}

func anyBytes() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.SliceOfN(rapid.Byte(), 1, 50))
}

func anyDebt() *rapid.Generator[*stored] {
	return rapid.Custom(func(t *rapid.T) *stored {
		s := &stored{
			Filed: rapid.Int64Min(unfiled).Draw(t, "filed"), Troubled: rapid.Bool().Draw(t, "troubled"),
			Deleting: rapid.Bool().Draw(t, "deleting"),
			Debt: debt.Debt{
				Endpoint: 7, Key: "key",
				Object: event.Object{
					Kind:   event.Kind(rapid.String().Draw(t, "kind")),
					ItemID: anyID().Draw(t, "item"), BaseID: anyID().Draw(t, "base"),
				},
				ChangeType: event.ChangeType(rapid.Uint8().Draw(t, "change type")),
				EventType:  rapid.String().Draw(t, "type"),
				EventID:    string(rapid.SliceOf(rapid.Byte()).Draw(t, "event")),
				Reason:     rapid.String().Draw(t, "reason"),
				ChangeTime: anyForeignTime().Draw(t, "change time"),
				Note:       anyBytes().Draw(t, "note"),
				Generation: rapid.Uint64().Draw(t, "generation"),
				Count:      rapid.Uint64().Draw(t, "count"),
				FirstSeen:  anyTime().Draw(t, "first"),
				LastSeen:   anyTime().Draw(t, "last"),
				Fields:     anyList(rapid.String()).Draw(t, "fields"),
				Formats:    anyList(anyID()).Draw(t, "formats"),
				Channels:   anyList(anyID()).Draw(t, "channels"),
				Since:      anyTime().Draw(t, "since"), Due: anyTime().Draw(t, "due"),
				Attempts: rapid.IntMin(0).Draw(t, "attempts"), Tries: rapid.IntMin(0).Draw(t, "tries"),
				Failed: rapid.Bool().Draw(t, "failed"), Forced: rapid.Bool().Draw(t, "forced"), Blamed: rapid.Bool().Draw(t, "blamed"), Unclear: rapid.Bool().Draw(t, "unclear"), Restored: rapid.Bool().Draw(t, "restored"),
				Background: rapid.Bool().Draw(t, "background"), Held: rapid.Bool().Draw(t, "held"), Released: rapid.Bool().Draw(t, "released"), WasHeld: rapid.Bool().Draw(t, "wasHeld"),
				LastAttempt: anyTime().Draw(t, "last attempt"),
			},
		}
		copy(s.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		return s
	})
}

func TestADebtReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyDebt().Draw(t, "debt")
		record := encodeDebt(s)
		back, err := decodeDebt(7, "key", record)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back, sameID); diff != "" {
			t.Fatalf("-written +read:\n%s", diff)
		}
		// What is cut off or goes on is not taken for whole.
		cut := rapid.IntRange(0, len(record)-1).Draw(t, "cut")
		if _, err := decodeDebt(7, "key", record[:cut]); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%d of %d bytes: %v", cut, len(record), err)
		}
		if _, err := decodeDebt(7, "key", append(record, 0)); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("a byte too many: %v", err)
		}
	})
}

func TestADecodedDebtKeepsNothingOfItsRecord(t *testing.T) {
	t.Parallel()
	s := &stored{Debt: debt.Debt{
		Note: []byte("note"), EventID: "event", Fields: []string{"title"}, Formats: []event.ID{event.StringID("f")},
	}}
	record := encodeDebt(s)
	first, err := decodeDebt(7, "key", record)
	if err != nil {
		t.Fatal(err)
	}
	second, err := decodeDebt(7, "key", slices.Clone(record))
	if err != nil {
		t.Fatal(err)
	}
	for i := range record {
		record[i] = 'x'
	}
	if diff := cmp.Diff(second, first, sameID); diff != "" {
		t.Error(diff)
	}
}

func anyOutcome() *rapid.Generator[attempt.Outcome] {
	return rapid.Custom(func(t *rapid.T) attempt.Outcome {
		return attempt.Outcome{
			Verdict:  attempt.Verdict(rapid.Uint8().Draw(t, "verdict")),
			Reason:   attempt.Reason(rapid.String().Draw(t, "reason")),
			Status:   rapid.IntRange(-1, 999).Draw(t, "status"),
			Error:    rapid.String().Draw(t, "error"),
			Response: anyBytes().Draw(t, "response"),
			Started:  anyTime().Draw(t, "started"), NotBefore: anyTime().Draw(t, "not before"),
			Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
		}
	})
}

func TestATroubleReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOutcome().Draw(t, "outcome")
		record := encodeTrouble("key", o)
		key, back, err := decodeTrouble(record)
		if err != nil || key != "key" {
			t.Fatalf("key %q, %v", key, err)
		}
		if diff := cmp.Diff(o, back); diff != "" {
			t.Fatalf("-written +read:\n%s", diff)
		}
		cut := rapid.IntRange(0, len(record)-1).Draw(t, "cut")
		if _, _, err := decodeTrouble(record[:cut]); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%d of %d bytes: %v", cut, len(record), err)
		}
	})
}

func TestOnlyTheBeginningOfAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	_, o, err := decodeTrouble(encodeTrouble("key", attempt.Outcome{Response: make([]byte, 2*attempt.MaxResponse)}))
	if err != nil || len(o.Response) != attempt.MaxResponse {
		t.Errorf("%d bytes are kept, want %d; %v", len(o.Response), attempt.MaxResponse, err)
	}
}

func TestCountsReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var n [8]uint64
		for i := range n {
			n[i] = rapid.Uint64().Draw(t, "n")
		}
		c := store.Counts{
			Open: n[0], Retrying: n[1], Failed: n[2], Owed: n[3], Coalesced: n[4], Delivered: n[5], Attempts: n[6], Dropped: n[7],
		}
		if back, err := decodeCounts(encodeCounts(&c)); err != nil || back != c {
			t.Fatalf("%+v, %v; want %+v", back, err, c)
		}
	})
}

func FuzzDecodeDebt(f *testing.F) {
	for seed := range 20 {
		f.Add(encodeDebt(anyDebt().Example(seed)))
	}
	f.Add([]byte{debtVersion + 1})
	f.Fuzz(func(t *testing.T, record []byte) {
		s, err := decodeDebt(7, "key", record)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		back, err := decodeDebt(7, "key", encodeDebt(s))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back, sameID); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzDecodeTrouble(f *testing.F) {
	for seed := range 20 {
		f.Add(encodeTrouble("key", anyOutcome().Example(seed)))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		key, o, err := decodeTrouble(record)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		backKey, back, err := decodeTrouble(encodeTrouble(key, o))
		o.Response = o.Response[:min(len(o.Response), attempt.MaxResponse)]
		if diff := cmp.Diff(o, back); err != nil || backKey != key || diff != "" {
			t.Fatalf("%q, want %q, %v: %s", backKey, key, err, diff)
		}
	})
}

func FuzzDecodeCounts(f *testing.F) {
	f.Add(encodeCounts(&store.Counts{Open: 1, Owed: 300}))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, record []byte) {
		c, err := decodeCounts(record)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if back, err := decodeCounts(encodeCounts(&c)); err != nil || back != c {
			t.Fatalf("%+v, %v; want %+v", back, err, c)
		}
	})
}

func FuzzReadChunk(f *testing.F) {
	db := &DB{opts: testOptions()}
	var err error
	if db.chunks, err = newChunkCoder(); err != nil {
		f.Fatal(err)
	}
	for _, size := range []int{0, 10, 1000} {
		f.Add(db.makeChunk(batch(1, 0, noon, size, 1)))
		f.Add(db.makeChunk(batch(1, 0, noon, size, upTo(20)...)))
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		events, err := db.chunks.readChunk(10, chunk)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if len(events) == 0 {
			return
		}
		in := store.Ingest{Source: events[0].Source, Now: events[0].Received, Events: make([]event.Event, len(events))}
		for i := range events {
			in.Events[i].Raw = events[i].Line
		}
		back, err := db.chunks.readChunk(10, db.makeChunk(in))
		if err != nil || !slices.EqualFunc(events, back, func(a, b store.Recent) bool {
			return a.Seq == b.Seq && a.Source == b.Source && a.Received.Equal(b.Received) && bytes.Equal(a.Line, b.Line)
		}) {
			t.Fatalf("%d events are read back as %d, %v", len(events), len(back), err)
		}
	})
}
