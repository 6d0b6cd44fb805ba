package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// readTo brings in a change, with the position after it.
func (f *fixture) readTo(position string, c debt.Change) {
	f.Helper()
	f.ingestBatch(store.Ingest{
		Source: "spool", Now: f.now, Changes: []debt.Change{c}, Events: []event.Event{*c.Event},
		Positions: []source.Position{{Stream: "a", Data: []byte(position)}},
	})
}

func backupGoesOn(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.readTo("10", f.change(ep, 2))
	f.advance(time.Minute)
	sent := f.claim(ep, 10)[0]
	before := f.counts(ep)
	var backup bytes.Buffer
	if err := f.engine().Backup(ctx, &backup); err != nil {
		f.Fatalf("backup: %v", err)
	}
	// What comes after it is told and forgotten.
	f.readTo("20", f.change(ep, 3))
	f.settle(sent, attempt.Delivered)
	f.add("archive")
	f.h.Restore(f, backup.Bytes())

	equal(f, "counts", f.counts(ep), before)
	equal(f, "endpoints", len(must(f.engine().Endpoints(ctx)).in(f).List), 1)
	equal(f, "positions", must(f.engine().Positions(ctx, "spool")).in(f),
		[]source.Position{{Stream: "a", Data: []byte("10")}})
	equal(f, "failures", len(f.failures(debt.Selection{})), 1)
	f.readTo("20", f.change(ep, 3))
	f.advance(time.Minute)
	claimed := f.claim(ep, 10)
	equal(f, "due", keysOf(claimed), []debt.Key{keyOf(2), keyOf(3)})
	equal(f, "what was owed then may have been told since", claimed[0].Restored, true)
	if claimed[0].Generation <= sent.Generation+1 {
		f.Errorf("generation %d after the restore may have been sent before it, after %d", claimed[0].Generation, sent.Generation)
	}
	for _, d := range claimed {
		if done := f.settle(d, attempt.Delivered).Done; !done {
			f.Errorf("%s is still owed", d.Key)
		}
	}
}

// What endpoints acknowledged is compared with nothing after a restore; the states that
// they gave are kept.
func backupForgetsDigests(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 2)
	f.acknowledge(f.claimAfter(ep, f.change(ep, 2)), acknowledged(2, strings.Repeat("ä", 1000)))
	f.acknowledge(f.claimAfter(ep, f.change(ep, 3)), acknowledged(3, ""))
	want := f.tracked(ep)
	var backup bytes.Buffer
	if err := f.engine().Backup(ctx, &backup); err != nil {
		f.Fatalf("backup: %v", err)
	}
	f.h.Restore(f, backup.Bytes())
	for i := range want {
		want[i].Digest, want[i].Print = tracking.Digest{}, 0
	}
	equal(f, "tracked", f.tracked(ep), want)
}

// stalling is a writer that does something before it takes the first bytes.
type stalling struct {
	taken bytes.Buffer
	first func()
}

func (w *stalling) Write(p []byte) (int, error) {
	if w.first != nil {
		w.first()
		w.first = nil
	}
	return w.taken.Write(p)
}

func slowBackup(f *fixture) {
	ep := f.add("shop")
	f.readTo("0", f.change(ep, 0))
	w := &stalling{first: func() {
		for n := range 100 {
			f.ingest(f.change(ep, n))
		}
		f.advance(time.Minute)
		for _, d := range f.claim(ep, 1000) {
			f.settle(d, attempt.Delivered)
		}
	}}
	if err := f.engine().Backup(ctx, w); err != nil {
		f.Fatalf("backup: %v", err)
	}
	equal(f, "open debts", f.counts(ep).Open, 0)

	broken, stop := context.WithCancelCause(ctx)
	gone := errors.New("the reader has gone")
	stop(gone)
	wantError(f, f.engine().Backup(broken, new(bytes.Buffer)), gone)
	f.h.Restore(f, w.taken.Bytes())
	equal(f, "positions", must(f.engine().Positions(ctx, "spool")).in(f),
		[]source.Position{{Stream: "a", Data: []byte("0")}})
}
