package bolt

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

// noise is a batch of n events that can't be compressed much, each of size bytes.
func noise(now time.Time, n, size int) store.Ingest {
	random := rand.New(rand.NewPCG(1, uint64(now.UnixNano())))
	in := store.Ingest{Source: "spool", Now: now, Events: make([]event.Event, n)}
	for i := range in.Events {
		line := make([]byte, size)
		for j := range line {
			line[j] = byte(random.Uint32())
		}
		in.Events[i].Raw = line
	}
	return in
}

func ringBytes(t *testing.T, db *DB) (bytes uint64, chunks int) {
	t.Helper()
	tx, err := db.bolt.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}()
	if err := tx.Bucket(bucketEvents).ForEach(func(_, v []byte) error {
		bytes += uint64(len(v))
		chunks++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if counted := readTotals(tx.Bucket(bucketMeta)).eventBytes; counted != bytes {
		t.Errorf("%d bytes are counted, and there are %d", counted, bytes)
	}
	return bytes, chunks
}

func TestRecentEventsTakeNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	path := filepath.Join(memoryDir(t), "dz.db")
	db, err := Open(path, Options{KeepEvents: time.Hour, MaxEventBytes: limit, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		mustIngest(t, db, noise(noon.Add(time.Duration(n)*time.Second), 10, 200))
		if bytes, _ := ringBytes(t, db); bytes > limit {
			t.Fatalf("%d bytes after %d batches, of at most %d", bytes, n+1, limit)
		}
	}
	bytes, chunks := ringBytes(t, db)
	if bytes < limit*9/10 {
		t.Errorf("only %d bytes of %d are kept", bytes, limit)
	}
	events, err := db.Events(t.Context(), 0, 10_000)
	if err != nil || len(events) != chunks*10 || events[0].Seq != 2000 {
		t.Errorf("%d events of %d chunks, %v", len(events), chunks, err)
	}
	// A batch that is too large by itself is not kept, and leaves no room to others.
	mustIngest(t, db, noise(noon.Add(time.Hour), 1, 2*limit))
	if bytes, _ := ringBytes(t, db); bytes != 0 {
		t.Errorf("%d bytes after a batch that is too large", bytes)
	}

	// A limit that is lowered holds for what is there.
	mustIngest(t, db, noise(noon.Add(time.Hour), 10, 200))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(path, Options{KeepEvents: time.Hour, MaxEventBytes: 0, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.Maintain(t.Context(), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if bytes, _ := ringBytes(t, db); bytes != 0 {
		t.Errorf("%d bytes after events were turned off", bytes)
	}
}

func TestEventsAreNotKeptWhereTheyAreTurnedOff(t *testing.T) {
	t.Parallel()
	for _, opts := range []Options{
		{KeepEvents: 0, MaxEventBytes: 1 << 20}, {KeepEvents: time.Hour, MaxEventBytes: 0}, {KeepEvents: -1, MaxEventBytes: -1},
	} {
		opts.NoSync = true
		db, err := Open(filepath.Join(memoryDir(t), "dz.db"), opts)
		if err != nil {
			t.Fatal(err)
		}
		mustIngest(t, db, noise(noon, 10, 100))
		events, err := db.Events(t.Context(), 0, 100)
		if err != nil || len(events) != 0 {
			t.Errorf("%+v: %d events, %v", opts, len(events), err)
		}
		stats, err := db.Stats(t.Context())
		if err != nil || stats.Ingested != 10 {
			t.Errorf("%+v: %d counted, %v", opts, stats.Ingested, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// However batches are cut, single, plain or compressed, events are read page by
// page in both directions without one left out or doubled.
func TestEventsArePagedWholeInBothDirections(t *testing.T) {
	t.Parallel()
	dir := memoryDir(t)
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, "dz.db")
		if err := os.RemoveAll(path); err != nil {
			rt.Fatal(err)
		}
		db, err := Open(path, testOptions())
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				rt.Error(err)
			}
		}()
		now := noon
		var want []store.Recent
		for _, size := range rapid.SliceOfN(rapid.IntRange(1, 40), 1, 12).Draw(rt, "batches") {
			in := batch(1, 0, now, rapid.IntRange(0, 40).Draw(rt, "size"), upTo(size)...)
			in.Changes = nil
			mustIngest(t, db, in)
			for i := range in.Events {
				want = append(want, store.Recent{Seq: uint64(len(want) + 1), Received: now, Source: "spool", Line: in.Events[i].Raw})
			}
			now = now.Add(time.Minute)
		}
		page := rapid.IntRange(1, 30).Draw(rt, "page")
		var forward, backward []store.Recent
		for after := uint64(0); ; {
			list, err := db.EventsSince(t.Context(), after, noon, page)
			if err != nil {
				rt.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			forward = append(forward, list...)
			after = list[len(list)-1].Seq
		}
		for before := uint64(0); before != 1; {
			list, err := db.Events(t.Context(), before, page)
			if err != nil || len(list) == 0 {
				rt.Fatalf("%d events before %d, %v", len(list), before, err)
			}
			backward = append(backward, list...)
			before = list[len(list)-1].Seq
		}
		slices.Reverse(backward)
		same := func(a, b store.Recent) bool {
			return a.Seq == b.Seq && a.Received.Equal(b.Received) && a.Source == b.Source && string(a.Line) == string(b.Line)
		}
		if !slices.EqualFunc(forward, want, same) || !slices.EqualFunc(backward, want, same) {
			rt.Fatalf("%d events forward, %d backward, want %d", len(forward), len(backward), len(want))
		}
		since := rapid.IntRange(0, 11).Draw(rt, "since")
		late, err := db.EventsSince(t.Context(), 0, noon.Add(time.Duration(since)*time.Minute), 10_000)
		if err != nil {
			rt.Fatal(err)
		}
		lateWant := slices.DeleteFunc(slices.Clone(want), func(e store.Recent) bool {
			return e.Received.Before(noon.Add(time.Duration(since) * time.Minute))
		})
		if !slices.EqualFunc(late, lateWant, same) {
			rt.Fatalf("%d events since minute %d, want %d", len(late), since, len(lateWant))
		}
	})
}

func TestSmallBatchesStayPlainAndLargeOnesAreCompressed(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	for _, c := range []struct {
		n          int
		compressed bool
	}{{1, false}, {200, true}} {
		in := batch(1, 0, noon, 100, upTo(c.n)...)
		chunk := db.makeChunk(in)
		h, err := readChunkHeader(chunk)
		if err != nil || (h.flags&chunkCompressed != 0) != c.compressed || h.count != c.n {
			t.Errorf("%d events: %+v, %v", c.n, h, err)
		}
		events, err := db.chunks.readChunk(5, chunk)
		if err != nil || len(events) != c.n || string(events[c.n-1].Line) != string(in.Events[c.n-1].Raw) || events[c.n-1].Seq != uint64(4+c.n) {
			t.Errorf("%d events are read back as %d, %v", c.n, len(events), err)
		}
		if c.compressed && len(chunk) > 100*c.n/2 {
			t.Errorf("%d events of 100 bytes take %d", c.n, len(chunk))
		}
	}
}

func TestOldEventsGoEvenIfNothingNewComes(t *testing.T) {
	t.Parallel()
	db, err := Open(filepath.Join(memoryDir(t), "dz.db"), Options{KeepEvents: time.Hour, MaxEventBytes: 1 << 20, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for n := range 200 { // more than one commit drops
		mustIngest(t, db, noise(noon.Add(time.Duration(n)*time.Second), 1, 20))
	}
	for _, c := range []struct {
		now  time.Duration
		want int
	}{{time.Hour, 200}, {time.Hour + 99500*time.Millisecond, 100}, {2 * time.Hour, 0}} {
		if err := db.Maintain(t.Context(), noon.Add(c.now)); err != nil {
			t.Fatal(err)
		}
		if events, err := db.Events(t.Context(), 0, 1000); err != nil || len(events) != c.want {
			t.Errorf("%d events after %s, want %d; %v", len(events), c.now, c.want, err)
		}
	}
	before := commits(t, db)
	if err := db.Maintain(t.Context(), noon.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if commits(t, db) != before {
		t.Error("an idle store is written to")
	}
}

func TestOnlyTheNewestRejectionsAreKept(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	const n = maxRejected + 500
	for from := 0; from < n; from += 500 {
		in := store.Ingest{Source: "spool", Now: noon}
		for i := from; i < from+500; i++ {
			in.Rejected = append(in.Rejected, source.Rejection{Source: "spool", Offset: int64(i), Reason: "not JSON", Time: noon})
		}
		mustIngest(t, db, in)
	}
	list, err := db.Rejected(t.Context(), 0, 2*n)
	if err != nil || len(list) != maxRejected || list[0].Offset != n-1 || list[len(list)-1].Offset != n-maxRejected {
		t.Errorf("%d are kept, %v", len(list), err)
	}
	if stats, err := db.Stats(t.Context()); err != nil || stats.Rejected != n {
		t.Errorf("%d are counted, want %d, %v", stats.Rejected, n, err)
	}
	if older, err := db.Rejected(t.Context(), list[len(list)-1].Seq, 10); err != nil || len(older) != 0 {
		t.Errorf("%d before the oldest, %v", len(older), err)
	}
}
