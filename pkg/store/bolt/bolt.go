// Package bolt keeps dz's state in one bbolt file. It is the only user of bbolt.
//
// Writes are committed in groups: one goroutine gathers the calls that wait and
// applies them in one transaction, so that a commit, which costs a disk's
// flush, is shared by all who came while the one before was under way. A call
// returns after the commit that holds it.
//
// A debt stands in two places: in the row of its key, beside those of other
// endpoints, and in an index by endpoint and due time. The index is lazy: a change
// that only prolongs a debt's debounce leaves the entry where it is, and Claim,
// when it comes to it, files the debt anew. So a debt's entry is never later than
// its due time, and merging a change costs one row, however many endpoints it
// concerns: what they are to be told stands in it once, whatever became of it at each.
//
// Reads are short transactions, page by page: a long one would keep a writer
// from growing the file, and freed pages from being used again. Pages that are
// damaged make errors (store.ErrDamaged), not crashes.
//
// What limits it is bbolt: four fifths of the processor time that an ingest
// takes in the writer go into finding, copying and writing pages
// (BenchmarkIngest, objects=owed). A commit copies each page that it changes once,
// however many changes that page gets. So records are small, changes are sorted
// as they lie in the file, and large batches cost less a change than small ones.
// Ten endpoints that want the same take events in at half the rate of one: an
// event about an object that is not owed yet costs each of them an entry in the
// index. bbolt alone takes the same rows and entries at four tenths of the rate of
// one endpoint's; a record for each debt, at an eighth.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// Defaults of Options.
const (
	DefaultKeepEvents    = 7 * 24 * time.Hour
	DefaultMaxEventBytes = 256 << 20
)

// Options of a store.
type Options struct {
	// MaxSize is how large the file may grow, in bytes; 0 is unlimited.
	MaxSize int64
	// KeepEvents is how long recent events are kept, MaxEventBytes how many
	// bytes of them, compressed. Either 0 turns them off.
	KeepEvents    time.Duration
	MaxEventBytes int64
	// Sealer seals what is secret of endpoints; nil leaves it open to who can read
	// the file. Only for tests: a store that was sealed can't be opened without.
	Sealer Sealer
	// NoSync leaves out flushing to disk. Only for tests: a crash of the
	// machine, not of the process, then loses data.
	NoSync bool
}

// DB is an open store. It implements store.Engine.
type DB struct {
	bolt *bbolt.DB
	path string
	opts Options
	salt uint16
	// inherited is the number of the last debt that was owed before Open.
	inherited uint64
	// doubtUntil: see doubts.
	doubtUntil time.Time
	// sealed is how many endpoints were sealed by Open.
	sealed int
	before preview

	chunks *chunkCoder
	broken atomic.Pointer[error] // why no transaction can begin any more
	damage atomic.Pointer[error] // that was met first

	through atomic.Int64 // bytes that lists went through since pages were released

	// snapshots is held while a snapshot is copied: one at a time.
	snapshots chan struct{}
	copying   atomic.Bool // a snapshot keeps freed pages from being used again

	mu      sync.RWMutex // guards closed, and sending to ops
	closed  bool
	ops     chan *op
	stopped chan struct{} // closed when the writer has ended
	// committed is the number of the writer's last transaction; 0 before the
	// first. Only the writer touches it.
	committed int
}

var _ store.Engine = (*DB)(nil)

// Open opens the store at path, or makes a new one there, with the folders
// above it. The errors say what to do; they wrap store.ErrLocked,
// store.ErrNewer and store.ErrDamaged where that is the cause.
func Open(path string, opts Options) (*DB, error) {
	if err := create(path, pageSize(opts.MaxSize)); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, explainOpen(path, err))
	}
	b, before, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, explainOpen(path, err))
	}
	opts.KeepEvents, opts.MaxEventBytes = max(opts.KeepEvents, 0), max(opts.MaxEventBytes, 0)
	chunks, err := newChunkCoder()
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	db := &DB{
		bolt: b, path: path, opts: opts, before: before, chunks: chunks,
		snapshots: make(chan struct{}, 1), ops: make(chan *op, 256), stopped: make(chan struct{}),
	}
	err = db.view(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		db.salt, db.inherited = uint16(getUint64(meta, metaSalt)), meta.Sequence()
		db.doubtUntil = doubtUntil(meta)
		return nil
	})
	if err == nil {
		db.sealed, err = db.sealEndpoints()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), b.Close())
	}
	db.releasePages()
	go db.write()
	return db, nil
}

// SealedAtOpen is how many endpoints were found with their secrets open, and
// sealed. Pages that were freed by it may hold them until they are used again, or
// the file is compacted.
func (db *DB) SealedAtOpen() int { return db.sealed }

// FormatBefore is the format that the file had when it was opened. An older one is
// made one of Format, which no older dz reads.
func (db *DB) FormatBefore() int { return db.before.format }

// LastCommit returns why the store may have been opened as of the commit before
// the last, nil if it was not: one of the pages that name them was damaged, or the
// machine went down while it was written.
func (db *DB) LastCommit() error { return db.before.lastCommit }

// begin begins a transaction. If the pages that bbolt reads for it under its
// locks are bad, the locks stay taken, and no transaction begins any more.
func (db *DB) begin(writable bool) (tx *bbolt.Tx, err error) {
	if broken := db.broken.Load(); broken != nil {
		return nil, *broken
	}
	defer func() {
		if errors.Is(err, store.ErrDamaged) {
			db.broken.Store(&err)
		}
	}()
	defer recoverDamage(&err)()
	if tx, err = db.bolt.Begin(writable); err != nil {
		return nil, fmt.Errorf("begin: %w", explainWrite(err))
	}
	return tx, nil
}

// meet notes that something in the file makes no sense, if that is the error.
func (db *DB) meet(err error) {
	if errors.Is(err, store.ErrDamaged) {
		db.damage.CompareAndSwap(nil, &err)
	}
}

// Damage returns what was met first of the file that makes no sense, an error
// that is store.ErrDamaged; nil while nothing was. Such a file is refused by Open,
// and whoever has it open should let go of it.
func (db *DB) Damage() error {
	if met := db.damage.Load(); met != nil {
		return *met
	}
	return nil
}

// view runs a short read transaction.
func (db *DB) view(read func(*bbolt.Tx) error) (err error) {
	defer func() { db.meet(err) }()
	tx, err := db.begin(false)
	if err != nil {
		return err
	}
	defer recoverDamage(&err)()
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	return read(tx)
}

func (db *DB) releasePages() { releasePages(db.bolt) }

// releaseAfter is how many bytes whoever goes through a bucket may read before the
// pages that they lie in are given back: to have them mapped again takes longer than
// to read them.
const releaseAfter = 16 << 20

// wentThrough notes how many bytes were read by one who goes through all there is.
func (db *DB) wentThrough(bytes int) {
	if db.through.Add(int64(bytes)) >= releaseAfter {
		db.through.Store(0)
		db.releasePages()
	}
}

// Close waits for writes under way, lets the file go and returns.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	close(db.ops)
	db.mu.Unlock()
	<-db.stopped
	if broken := db.broken.Load(); broken != nil {
		return fmt.Errorf("close store %s: %w", db.path, *broken) // bbolt would wait for its locks
	}
	if err := db.bolt.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", db.path, err)
	}
	return nil
}

// Maintain frees what removed endpoints left, drops recent events that are too
// old, moves deletions of late that lie in the future, and gives pages that were only
// read back to the system.
func (db *DB) Maintain(ctx context.Context, now time.Time) error {
	if err := db.sweep(ctx); err != nil {
		return err
	}
	if err := db.expireEvents(ctx, now); err != nil {
		return err
	}
	if err := db.rewindDeletions(ctx, now); err != nil {
		return err
	}
	db.releasePages()
	return nil
}
