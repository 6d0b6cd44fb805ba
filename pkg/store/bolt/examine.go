package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dam-delivery/dz/pkg/store"
)

// Fault is one thing in a file that makes no sense, and where it lies.
type Fault struct {
	Page    uint64 // 0 if it is not a page that makes no sense but a record
	Bucket  string // "" above the buckets
	Key     []byte // of a record, or the least one that may be below a page; nil if unknown
	Problem string
}

// Examination is what was found in a file. Where there are faults, its numbers
// are those of what could be read.
type Examination struct {
	Inspection
	Faults []Fault // the first of them
	Total  uint64  // of all faults
}

// Damage returns the first fault as an error, or nil if there is none.
func (e *Examination) Damage() error {
	if len(e.Faults) == 0 {
		return nil
	}
	return fmt.Errorf("store %s: %w", e.Path, damaged("%s", e.Faults[0].Problem))
}

// Examine reads the whole of a file that is not in use: every page and, if all
// of them are sound, every record. Damage is no error but what it finds; an error
// says that it could not look: store.ErrLocked while a daemon has the file,
// store.ErrNewer.
func Examine(ctx context.Context, path string) (Examination, error) {
	return examineFile(ctx, path, true)
}

// InspectFile reads what a file that is not in use holds. It checks its pages,
// not every record. The error is store.ErrDamaged if one of them is bad.
func InspectFile(ctx context.Context, path string) (Inspection, error) {
	found, err := examineFile(ctx, path, false)
	if err == nil {
		err = found.Damage()
	}
	return found.Inspection, err
}

func examineFile(ctx context.Context, path string, records bool) (found Examination, err error) {
	found.Path = path
	explain := func(err error) error {
		if err == nil {
			return nil
		}
		return fmt.Errorf("read store %s: %w", path, explainOffline(path, err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return found, explain(err)
	}
	if !info.Mode().IsRegular() {
		return found, fmt.Errorf("%s is no file", path)
	}
	found.Size = info.Size()
	e := &examiner{ctx: ctx, found: &found}
	if info.Size() == 0 {
		e.fault(Fault{Problem: "it is empty"})
		return found, nil
	}
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	switch {
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		e.fault(Fault{Problem: fmt.Sprintf("it is no store, or its first pages are overwritten (%v)", err)})
		return found, nil
	case err != nil:
		// bbolt has no error of its own for a file that is cut off so near its beginning.
		if least, sizeErr := leastSize(path); sizeErr == nil && info.Size() < least && !errors.Is(err, bolterrors.ErrTimeout) {
			e.fault(Fault{Problem: plain(tooSmall(info.Size()))})
			return found, nil
		}
		return found, explain(err)
	}
	err = e.examine(path, b, records)
	return found, explain(errors.Join(err, b.Close()))
}

// explainOffline says why a file can't be worked on.
func explainOffline(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w by %s", store.ErrLocked, lockHolder(path))
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist // what was done, and where, is said already
	case errors.Is(err, fs.ErrPermission):
		return fs.ErrPermission
	default:
		return explainOpen(path, err)
	}
}

// examiner goes through a file and notes what makes no sense.
type examiner struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	found  *Examination
	walk   *pageWalk
	bucket *BucketSize // that it is in; nil above the buckets
}

func (e *examiner) fault(f Fault) {
	if e.bucket != nil && f.Bucket == "" {
		f.Bucket = e.bucket.Name
	}
	f.Key = bytes.Clone(f.Key)
	if len(e.found.Faults) < maxFaults {
		e.found.Faults = append(e.found.Faults, f)
	}
	e.found.Total++
}

// plain is an error's text without what every damage has in common.
func plain(err error) string {
	var d damage
	for errors.As(err, &d) {
		err = d.problem
	}
	return err.Error()
}

func (e *examiner) examine(path string, b *bbolt.DB, records bool) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	tx, err := b.Begin(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()

	i := &e.found.Inspection
	i.PageSize = b.Info().PageSize
	i.Pages = uint64(tx.Size()) / uint64(i.PageSize)
	if i.Size < tx.Size() {
		e.fault(Fault{Problem: fmt.Sprintf("it has %d bytes and should have %d: its end is cut off", i.Size, tx.Size())})
	}
	e.walk = &pageWalk{file: file, pageSize: i.PageSize, pages: i.Pages, seen: make([]uint64, i.Pages/64+1)}
	harmless := uint64(0) // faults in spite of which all can be read
	if page, err := checkMetas(file, i.PageSize); err != nil {
		e.fault(Fault{Page: page, Problem: plain(err)})
		harmless = 1
	}
	if err := e.tree(uint64(tx.Cursor().Bucket().RootPage()), nil, nil, 0); err != nil {
		return err
	}
	i.FreePages = i.Pages - min(i.Pages, e.walk.used()+2)
	if e.found.Total > harmless {
		return nil // a record could lie on a bad page
	}
	err = e.readRecords(tx, records)
	if errors.Is(err, store.ErrDamaged) {
		e.fault(Fault{Problem: plain(err)})
		return nil
	}
	return err
}

// readRecords reads what is beneath the pages. What bbolt panics at is damage
// too.
func (e *examiner) readRecords(tx *bbolt.Tx, records bool) (err error) {
	defer recoverDamage(&err)()
	if err := checkFormat(tx); err != nil {
		return err
	}
	e.found.Format = int(getUint64(tx.Bucket(bucketMeta), metaFormat))
	if e.found.Contents, err = readContents(tx); err != nil || !records {
		return err
	}
	return checkRecords(e.ctx, tx, e.fault)
}

// used counts the pages that were seen.
func (w *pageWalk) used() uint64 {
	var n uint64
	for page := range w.pages {
		if w.seen[page/64]&(1<<(page%64)) != 0 {
			n++
		}
	}
	return n
}

// tree examines the pages from one on, as pageWalk.tree does, but goes on after
// a fault with what is not below it. The only error is ctx's.
func (e *examiner) tree(id uint64, low, high []byte, level int) error {
	if e.ctx.Err() != nil {
		return context.Cause(e.ctx)
	}
	p, err := e.walk.read(id, level)
	if err != nil {
		e.fault(Fault{Page: id, Key: low, Problem: plain(err)})
		return nil
	}
	for n := range p.count {
		key, err := p.key(n)
		if err != nil {
			e.fault(Fault{Page: id, Key: low, Problem: plain(err)})
			return nil
		}
		if bytes.Compare(key, low) < 0 || (n > 0 && bytes.Equal(key, low)) || (high != nil && bytes.Compare(key, high) >= 0) {
			e.fault(Fault{Page: id, Key: low, Problem: fmt.Sprintf("the keys of page %d are not in order", id)})
			return nil
		}
		low = key
		if p.leaf {
			err = e.element(p, n, key, level)
		} else {
			below := high
			if n+1 < p.count {
				if next, err := p.key(n + 1); err == nil {
					below = next
				}
			}
			err = e.tree(p.child(n), key, below, level+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// element examines one element of a leaf: a record, or a bucket.
func (e *examiner) element(p page, n int, key []byte, level int) error {
	value, isBucket, err := p.value(n)
	switch {
	case err != nil:
		e.fault(Fault{Page: p.id, Key: key, Problem: plain(err)})
		return nil
	case !isBucket:
		if e.bucket != nil {
			e.bucket.Entries++
			e.bucket.Bytes += int64(len(key) + len(value))
		}
		return nil
	case e.bucket != nil:
		e.fault(Fault{Page: p.id, Key: key, Problem: "it holds a bucket within a bucket, which no store does"})
		return nil
	}
	e.found.Buckets = append(e.found.Buckets, BucketSize{Name: string(key)})
	e.bucket = &e.found.Buckets[len(e.found.Buckets)-1]
	defer func() { e.bucket = nil }()
	if len(value) < bucketHeader {
		e.fault(Fault{Page: p.id, Problem: fmt.Sprintf("page %d holds half a bucket", p.id)})
		return nil
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return e.tree(root, nil, nil, level+1)
	}
	inline, err := newPage(p.id, value[bucketHeader:])
	if err != nil {
		e.fault(Fault{Page: p.id, Problem: plain(err)})
		return nil
	}
	return e.inline(inline)
}

// inline examines a bucket that lies within its parent's page.
func (e *examiner) inline(p page) error {
	for n := range p.count {
		key, err := p.key(n)
		var value []byte
		if err == nil {
			value, _, err = p.value(n)
		}
		if err != nil {
			e.fault(Fault{Page: p.id, Problem: plain(err)})
			return nil
		}
		e.bucket.Entries++
		e.bucket.Bytes += int64(len(key) + len(value))
	}
	return nil
}
