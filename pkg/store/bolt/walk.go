package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// finder gets many values of one bucket. Bucket.Get makes a cursor for each.
type finder struct{ cursor *bbolt.Cursor }

func newFinder(b *bbolt.Bucket) finder { return finder{b.Cursor()} }

// get returns the value of a key, nil if there is none. The cursor begins at the
// root each time, so changes in between do no harm.
func (f finder) get(key []byte) []byte {
	if k, v := f.cursor.Seek(key); bytes.Equal(k, key) {
		return v
	}
	return nil
}

// delete removes the entry of a key, if there is one. Bucket.Delete makes a cursor
// for each.
func (f finder) delete(key []byte) error {
	if k, _ := f.cursor.Seek(key); !bytes.Equal(k, key) {
		return nil
	}
	return f.cursor.Delete()
}

// maxStrays is how many keys in a row may lie elsewhere until a follower gives up
// looking at the next one.
const maxStrays = 4

// follower gets the values of keys most of which follow each other in a bucket that
// does not change meanwhile: to look at the next entry costs a fraction of a search.
type follower struct {
	finder
	begun  bool
	strays int
}

func newFollower(b *bbolt.Bucket) *follower { return &follower{finder: newFinder(b)} }

// get returns the value of a key, nil if there is none.
func (f *follower) get(key []byte) []byte {
	if f.begun && f.strays < maxStrays {
		k, v := f.cursor.Next()
		if bytes.Equal(k, key) {
			f.strays = 0
			return v
		}
		f.strays++
	}
	f.begun = true
	return f.finder.get(key)
}

// walker goes upward through the entries of a bucket that share a prefix, a page
// a transaction.
//
// Each key is greater than the one before: a page that has gone bad since the
// store was opened may lead backwards, and a walk that is taken up again by key
// would never end.
type walker struct {
	prefix   []byte
	page     int    // entries a transaction
	after    []byte // the key that was visited last
	skip     []byte // visit must ask for it: see skipTo
	finished bool
}

// skipTo has the walk go on with the first key that is greater than after, which is
// greater than the one that is being visited.
func (w *walker) skipTo(after []byte) { w.skip = after }

// entries visits the next page. visit returns false to end the walk.
func (w *walker) entries(b *bbolt.Bucket, visit func(k, v []byte) (bool, error)) error {
	cursor := b.Cursor()
	k, v := w.seek(cursor)
	for range w.page {
		if more, err := w.isNext(k); err != nil || !more {
			return err
		}
		more, err := visit(k, v)
		if err != nil || !more {
			w.finished = true
			return err
		}
		if w.skip != nil {
			w.after, w.skip = w.skip, nil
			k, v = w.seek(cursor)
			continue
		}
		w.after = append(w.after[:0], k...)
		k, v = cursor.Next()
	}
	return nil
}

// seek returns the first entry that was not visited yet.
func (w *walker) seek(cursor *bbolt.Cursor) (k, v []byte) {
	if w.after == nil {
		return cursor.Seek(w.prefix)
	}
	if k, v = cursor.Seek(w.after); bytes.Equal(k, w.after) {
		return cursor.Next()
	}
	return k, v
}

// isNext reports whether k is to be visited next; if not, the walk is finished.
func (w *walker) isNext(k []byte) (bool, error) {
	if k == nil || !bytes.HasPrefix(k, w.prefix) {
		w.finished = true
		return false, nil
	}
	if w.after != nil && bytes.Compare(k, w.after) <= 0 {
		w.finished = true
		return false, damaged("the keys of a page are not in order")
	}
	return true, nil
}
