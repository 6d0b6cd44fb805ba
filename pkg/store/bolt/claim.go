package bolt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// claimPage is how many entries of the index one read transaction looks at.
const claimPage = 256

// claimRoom is how many claimed debts there is room for from the first one on.
const claimRoom = 256

// maxRefiled is how many entries one claim files anew at most. Its caller comes
// back with a later time, and meanwhile delivers what was found.
const maxRefiled = 4 * claimPage

// Claim returns what is due. Entries whose debt was prolonged since are filed
// anew on the way.
func (db *DB) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	c := claiming{
		request: r, inherited: db.inherited,
		walk: walker{prefix: endpointKey(r.Endpoint), page: claimPage},
	}
	refiled := 0
	for {
		c.stale = c.stale[:0]
		if err := db.view(c.page); err != nil {
			return store.Claim{}, fmt.Errorf("claim: %w", err)
		}
		if len(c.stale) > 0 {
			err := db.refile(ctx, r.Endpoint, c.stale)
			switch {
			case err == nil:
				refiled += len(c.stale)
			case errors.Is(err, store.ErrFull):
				// They stay where they are: what is due comes first, and makes room.
			default:
				return store.Claim{}, fmt.Errorf("claim: %w", err)
			}
		}
		if c.walk.finished || ctx.Err() != nil {
			return c.claim, ctx.Err()
		}
		if refiled >= maxRefiled {
			c.next(r.Now)
			return c.claim, nil
		}
	}
}

// claiming is a claim under way.
type claiming struct {
	request   store.ClaimRequest
	inherited uint64 // the number of the last debt that was owed before the store was opened
	claim     store.Claim
	taken     map[event.Object]bool
	walk      walker
	stale     []debt.Key
	debt      stored // the one that is looked at

	inBackground bool // what is looked at goes behind all others
	behind       int  // claimed debts that do
}

// page looks at the next entries.
func (c *claiming) page(tx *bbolt.Tx) error {
	if tx.Bucket(bucketEndpoints).Get(c.walk.prefix) == nil {
		c.walk.finished = true // removed; its debts are cleared away later
		return nil
	}
	debts := newDebtFinder(tx)
	return c.walk.entries(tx.Bucket(bucketDue), func(k, v []byte) (bool, error) {
		return c.entry(debts, k, v)
	})
}

// entry looks at one entry of the index, and reports whether to go on.
func (c *claiming) entry(debts *debtFinder, k, key []byte) (more bool, err error) {
	r, now, filed := &c.request, nanos(c.request.Now), dueTime(k)
	switch {
	case r.ForcedOnly && filed != 0, filed == filedHeld:
		return false, nil
	case filed >= filedBehind:
		if filed -= filedBehind; filed > now {
			c.next(time.Unix(0, filed))
			return false, nil
		}
		if c.behind >= r.Background {
			return false, nil // the end of an attempt makes room
		}
		c.inBackground = true
		if string(k) <= r.After {
			if string(k) < r.After {
				c.walk.skipTo([]byte(r.After))
			}
			return true, nil
		}
	case filed > now:
		c.next(time.Unix(0, filed))
		c.walk.skipTo(dueKey(r.Endpoint, filedBehind-1, math.MaxUint64))
		return true, nil
	}
	name := debt.Key(key)
	switch {
	case len(c.claim.Debts) >= r.Limit:
		c.next(r.Now)
		return false, nil
	case r.BusyKey != nil && r.BusyKey(name):
		return true, nil // its turn comes when the attempt under way has ended
	}
	s := &c.debt
	if err := debts.indexed(s, r.Endpoint, name); err != nil {
		return false, err
	}
	switch {
	case nanos(s.Due) > now && !s.Forced:
		c.stale = append(c.stale, s.Key)
		c.next(s.Due)
	case c.taken[s.Object] || (r.Busy != nil && r.Busy(s.Object)):
		// Its turn comes when the attempt under way has ended.
	default:
		if c.taken == nil {
			c.taken = make(map[event.Object]bool, min(r.Limit, claimRoom))
		}
		c.taken[s.Object] = true
		if c.inBackground {
			c.behind++
			c.claim.Behind = string(k)
		}
		if c.claim.Debts == nil {
			c.claim.Debts = make([]debt.Debt, 0, min(r.Limit, claimRoom))
		}
		s.Inherited = s.ID.Seq() <= c.inherited
		c.claim.Debts = append(c.claim.Debts, s.Debt)
	}
	return true, nil
}

// next notes when there may be more to claim.
func (c *claiming) next(at time.Time) {
	if c.claim.Next.IsZero() || at.Before(c.claim.Next) {
		c.claim.Next = at
	}
}

// refile puts debts into the index where they are due.
func (db *DB) refile(ctx context.Context, id uint64, keys []debt.Key) error {
	return db.update(ctx, func(t *txn) error {
		for _, key := range keys {
			s, err := t.load(id, key)
			if err != nil {
				return err
			}
			if s == nil {
				continue // ended in the meantime
			}
			if err := t.save(s, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// CountDue counts the entries of the index up to now, without those of debts that
// are being retried. A backlog's index lies scattered over the whole file, so what
// was walked through is given back on the way.
func (db *DB) CountDue(ctx context.Context, id uint64, now time.Time) (uint64, error) {
	const page = 20_000
	var filed, retrying uint64
	walk := walker{prefix: endpointKey(id), page: page}
	for !walk.finished {
		err := db.view(func(tx *bbolt.Tx) error {
			return walk.entries(tx.Bucket(bucketDue), func(k, _ []byte) (bool, error) {
				switch at := dueTime(k); {
				case at == filedHeld:
					return false, nil
				case at >= filedBehind && at-filedBehind > nanos(now):
					return false, nil
				case at < filedBehind && at > nanos(now):
					walk.skipTo(dueKey(id, filedBehind-1, math.MaxUint64))
					return true, nil
				}
				filed++
				return true, nil
			})
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, fmt.Errorf("count what is due: %w", err)
		}
		if !walk.finished {
			db.releasePages()
		}
	}
	walk = walker{prefix: endpointKey(id), page: failurePage}
	for !walk.finished {
		err := db.view(func(tx *bbolt.Tx) error {
			return walk.entries(tx.Bucket(bucketTrouble), func(_, v []byte) (bool, error) {
				f, err := decodeFailure(tx, id, v)
				if err == nil && f.Retrying() && nanos(f.Due) <= nanos(now) {
					retrying++
				}
				return true, err
			})
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, fmt.Errorf("count what is due: %w", err)
		}
		if !walk.finished {
			db.releasePages()
		}
	}
	return filed - min(retrying, filed), nil
}
