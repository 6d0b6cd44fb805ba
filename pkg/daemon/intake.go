package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

// intake carries batches into the store: routed by the endpoints there are, and
// durable before their source hears of it.
type intake struct {
	store    store.Intake
	registry *registry
	now      func() time.Time
	log      *slog.Logger
	live     hub[taken] // batches that have become durable
	maxSize  int64      // of the store, in bytes; 0: unlimited

	mu    sync.Mutex
	fault string // what keeps the store from taking batches
}

// taken is what has become durable of a batch. The events are its source's again
// when whoever watches has been told.
type taken struct {
	source string
	at     time.Time
	events []event.Event
	first  uint64 // sequence number of the first of them; 0 if they are not kept
}

// take makes a batch durable. It waits while the store can't take it, for ctx
// at the longest: a full disk stops reading, and loses nothing.
func (in *intake) take(ctx context.Context, sourceName string, b source.Batch) error {
	for {
		err := in.try(ctx, sourceName, b)
		before := in.setFault(err)
		switch {
		case err == nil && before != "":
			in.log.Info("events are taken in again", "source", sourceName)
			return nil
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, store.ErrClosed):
			return err
		}
		if before != err.Error() {
			in.log.Error("can't take events in; waiting, nothing is lost", "source", sourceName, "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(storeRetry):
		}
	}
}

// try makes a batch durable, or says what keeps it from that.
func (in *intake) try(ctx context.Context, sourceName string, b source.Batch) error {
	return in.ingest(ctx, store.Ingest{
		Source: sourceName, Now: in.now(), Events: b.Events, Rejected: b.Rejected, Positions: b.Positions,
	}, 0, nil)
}

// maxChanges is how many changes one transaction holds at most, roughly, so that
// memory does not grow with events times endpoints.
const maxChanges = 80_000

// changesPart is how many bytes of store.max_size there must be for each change of a
// transaction: what a small store takes in at once is to be a small part of it.
const changesPart = 8 << 10

// changes is how many changes one transaction holds at most, roughly.
func (in *intake) changes() int {
	if in.maxSize == 0 {
		return maxChanges
	}
	return int(min(maxChanges, max(1, in.maxSize/changesPart)))
}

// room is how many events are taken in at once, if all endpoints want them.
func (in *intake) room() int { return max(1, in.changes()/max(1, in.registry.table.Load().Len())) }

// ingest routes a batch, to all endpoints or only one, and makes it durable.
// changed, if given, is told how many changes that made.
//
// A batch that is too large is taken in parts. A source does not bring such, as it
// asks for the room there is before it reads: its positions are of a whole batch,
// and if the process ended between two parts, the first would be taken in again.
// It happens only when endpoints become twice as many while it reads; then the
// positions become durable with the last part.
func (in *intake) ingest(ctx context.Context, batch store.Ingest, only uint64, changed func(int)) error {
	size := in.room()
	if only != 0 {
		size = in.changes()
	}
	if len(batch.Positions) > 0 {
		size *= 2
	}
	for len(batch.Events) > size {
		part := batch
		part.Events, batch.Events = batch.Events[:size:size], batch.Events[size:]
		part.Positions, part.Rejected = nil, nil
		if err := in.ingestPart(ctx, part, only, changed); err != nil {
			return err
		}
	}
	return in.ingestPart(ctx, batch, only, changed)
}

func (in *intake) ingestPart(ctx context.Context, batch store.Ingest, only uint64, changed func(int)) error {
	if !batch.Replayed { // else what its events told is known, and perhaps more
		batch.Assets = assetsOf(batch.Events, batch.Now)
	}
	table := in.registry.table.Load()
	for {
		batch.Revision = table.Revision
		batch.Changes = table.Changes(batch.Events, only)
		for i := range batch.Changes {
			batch.Changes[i].Replayed = batch.Replayed
		}
		ingested, err := in.store.Ingest(ctx, batch)
		if errors.Is(err, store.ErrRevision) {
			table = in.registry.current()
			continue
		}
		if err != nil {
			return err
		}
		if changed != nil {
			changed(len(batch.Changes))
		}
		in.registry.wake(ingested.Due)
		if !batch.Replayed {
			in.live.tell(taken{batch.Source, batch.Now, batch.Events, ingested.First})
		}
		return nil
	}
}

// assetsOf returns what events tell of assets.
func assetsOf(events []event.Event, now time.Time) []catalogue.Asset {
	var assets []catalogue.Asset
	for i := range events {
		if a, told := catalogue.FromEvent(&events[i], now); told {
			assets = append(assets, a)
		}
	}
	return assets
}

// setFault notes what keeps the store from taking batches, and returns what did
// before.
func (in *intake) setFault(err error) (before string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before, in.fault = in.fault, ""
	if err != nil {
		in.fault = err.Error()
	}
	return before
}

func (in *intake) getFault() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.fault
}

// feed is a source being read.
type feed struct {
	name   string
	kind   string
	path   string
	source source.Source
	cancel context.CancelFunc
	done   chan struct{}

	// waiting is true while nothing that the source has returned is on its way
	// into the store; turns counts how often it became so.
	waiting atomic.Bool
	turns   atomic.Uint64
	fatal   atomic.Pointer[string]

	obstacle string // that was logged last
}

// run reads the source until ctx ends or it fails for good.
func (f *feed) run(ctx context.Context, in *intake) {
	defer close(f.done)
	for {
		f.turns.Add(1)
		f.waiting.Store(true)
		batch, err := f.source.Next(ctx)
		f.waiting.Store(false)
		if err != nil {
			if ctx.Err() == nil {
				text := err.Error()
				f.fatal.Store(&text)
				in.log.Error("source has failed; it is read again after a restart", "source", f.name, "error", err)
			}
			return
		}
		logRejected(in.log, f.name, batch.Rejected)
		if err := in.take(ctx, f.name, batch); err != nil {
			return // the batch is read again after the next start
		}
		failpoint.Reach(failpoint.Ingested)
		f.source.Ack()
	}
}

// status returns what people are told of the source.
func (f *feed) status() source.Status {
	s := f.source.Status()
	if text := f.fatal.Load(); text != nil {
		s.Error = *text
		s.CaughtUp = false
	}
	return s
}

// settled reports whether everything the source has returned is in the store
// and there is nothing more for now; the number differs if that was not so all
// the time between two calls.
func (f *feed) settled() (caughtUp bool, turn uint64) {
	turn = f.turns.Load()
	return f.waiting.Load() && f.status().CaughtUp, turn
}

// logObstacles says what hinders a source when it begins to, and when it is over.
func (d *Daemon) logObstacles() {
	for _, f := range d.allFeeds() {
		now := f.status().Error
		if now == f.obstacle {
			continue
		}
		if f.obstacle = now; now != "" {
			d.log.Warn("source is hindered; waiting", "source", f.name, "error", now)
		} else {
			d.log.Info("source is read again", "source", f.name)
		}
	}
}

// logRejected says that input could not be read, once a batch.
func logRejected(log *slog.Logger, sourceName string, rejected []source.Rejection) {
	if len(rejected) == 0 {
		return
	}
	r := rejected[0]
	log.Warn("input could not be read: 'dz event rejected' shows it", "source", sourceName, "count", len(rejected),
		"file", r.File, "offset", r.Offset, "reason", r.Reason)
}
