package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// maxGroup is how many calls share a commit at most.
const maxGroup = 1024

// op is one call that changes the store.
type op struct {
	// apply makes the change. It may run more than once, each time on a state
	// without its changes; so it hands on what it found only by setting, never
	// by adding.
	apply func(*txn) error
	// grows: it needs room, which is kept from it when there is little, so that
	// there is always enough for calls that make room.
	grows bool
	done  chan error
}

// refusal is an error of an op that has changed nothing yet, so that the others
// of its group need not be done again.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse wraps an error of the contract that is found before anything changes.
func refuse(err error) error { return refusal{err} }

// update has a change committed that makes room, or needs hardly any. An error
// says that nothing has changed.
func (db *DB) update(ctx context.Context, apply func(*txn) error) error {
	return db.submit(ctx, &op{apply: apply})
}

// updateGrowing is update for a change that needs room.
func (db *DB) updateGrowing(ctx context.Context, apply func(*txn) error) error {
	return db.submit(ctx, &op{apply: apply, grows: true})
}

func (db *DB) submit(ctx context.Context, o *op) error {
	o.done = make(chan error, 1)
	if err := db.enqueue(ctx, o); err != nil {
		return err
	}
	// From here on the change may happen, so the caller must learn whether it
	// did, even if its context ends.
	err := <-o.done
	var r refusal
	if errors.As(err, &r) {
		return r.error
	}
	return err
}

func (db *DB) enqueue(ctx context.Context, o *op) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return store.ErrClosed
	}
	select {
	case db.ops <- o:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write is the one goroutine that commits.
func (db *DB) write() {
	defer close(db.stopped)
	var group []*op
	for first := range db.ops {
		group = append(group[:0], first)
		group = db.gather(group)
		db.commit(group)
		clear(group)
	}
}

// gather adds what waits already.
func (db *DB) gather(group []*op) []*op {
	for len(group) < maxGroup {
		select {
		case o, ok := <-db.ops:
			if !ok {
				return group
			}
			group = append(group, o)
		default:
			return group
		}
	}
	return group
}

// commit applies the ops of a group in one transaction, or, where one of them
// fails, all the others.
func (db *DB) commit(group []*op) {
	for len(group) > 0 {
		culprit, err := db.try(group)
		if err == nil {
			return
		}
		if culprit >= 0 {
			group[culprit].done <- err
			group = append(group[:culprit:culprit], group[culprit+1:]...)
			continue
		}
		if growing, others := split(group); len(growing) > 0 && len(others) > 0 {
			db.commit(others)
			db.commit(growing)
			return
		}
		if half := len(group) / 2; half > 0 && errors.Is(err, store.ErrFull) {
			// Fewer change fewer pages, and some of them may make room.
			db.commit(group[:half:half])
			db.commit(group[half:])
			return
		}
		for _, o := range group {
			o.done <- err
		}
		return
	}
}

func split(group []*op) (growing, others []*op) {
	for _, o := range group {
		if o.grows {
			growing = append(growing, o)
		} else {
			others = append(others, o)
		}
	}
	return growing, others
}

// try commits a group. An error that one op made names it; culprit -1 means
// that the commit itself failed. After success every op has its answer.
func (db *DB) try(group []*op) (culprit int, err error) {
	culprit = -1
	defer func() { db.meet(err) }()
	defer recoverDamage(&err)()
	tx, err := db.begin(true)
	if err != nil {
		return culprit, err
	}
	defer func() {
		// After a commit there is nothing to roll back, and bbolt says so.
		if rollback := tx.Rollback(); rollback != nil && !isTxClosed(rollback) {
			err = errors.Join(err, rollback)
		}
	}()
	if err := db.follows(tx); err != nil {
		return culprit, err
	}
	t := newTxn(db, tx)
	full := t.full(tx)
	refused := make(map[*op]error)
	for i, o := range group {
		if o.grows && full != nil {
			refused[o] = full
			continue
		}
		culprit = i // also if apply panics
		if err := o.apply(t); errors.As(err, new(refusal)) {
			refused[o] = err
		} else if err != nil {
			return culprit, explainWrite(err)
		}
		if o.grows {
			if err := t.outgrown(); err != nil {
				return culprit, err
			}
		}
	}
	culprit = -1
	if len(refused) < len(group) {
		if err := t.flush(); err != nil {
			return culprit, explainWrite(err)
		}
		failpoint.Reach(failpoint.Applied)
		number := tx.ID()
		if err := tx.Commit(); err != nil {
			return culprit, fmt.Errorf("commit: %w", explainWrite(err))
		}
		db.committed = number
		failpoint.Reach(failpoint.Committed)
	}
	for _, o := range group {
		o.done <- refused[o]
	}
	return culprit, nil
}

// follows reports that the file has lost the last commit. bbolt keeps two pages
// that name a state, and goes on from the older one if the newer one makes no
// sense: at a start that is a commit less, but under a writer that knows which
// pages are free by the newer one, two states would mix.
func (db *DB) follows(tx *bbolt.Tx) error {
	if tx.ID() > db.committed {
		return nil
	}
	err := damaged("transaction %d comes after %d: the page that names the last commit is damaged", tx.ID(), db.committed)
	db.broken.Store(&err)
	db.meet(err)
	return err
}

func isTxClosed(err error) bool { return errors.Is(err, bolterrors.ErrTxClosed) }
