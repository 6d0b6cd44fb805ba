package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// sweepPage is how many records of a removed endpoint are freed in one commit.
const sweepPage = 2000

// Endpoints returns all endpoints, by name.
func (db *DB) Endpoints(context.Context) (store.Endpoints, error) {
	all := store.Endpoints{Health: make(map[uint64]endpoint.Health)}
	err := db.view(func(tx *bbolt.Tx) error {
		all.Revision = getUint64(tx.Bucket(bucketMeta), metaRevision)
		return eachEndpoint(tx, func(name string, key, encoded []byte) error {
			ep, err := db.opts.decodeEndpoint(name, key, encoded)
			if err != nil {
				return err
			}
			health, err := readHealth(tx.Bucket(bucketHealth), ep.ID)
			if err != nil {
				return err
			}
			all.List = append(all.List, ep)
			all.Health[ep.ID] = health
			return nil
		})
	})
	if err != nil {
		return store.Endpoints{}, fmt.Errorf("read endpoints: %w", err)
	}
	return all, nil
}

// AddEndpoint adds an endpoint under a name that is not taken.
func (db *DB) AddEndpoint(ctx context.Context, ep endpoint.Endpoint) (store.Registered, error) {
	added, err := db.AddEndpoints(ctx, []endpoint.Endpoint{ep})
	if err != nil {
		return store.Registered{}, err
	}
	return added[0], nil
}

// AddEndpoints adds endpoints in one transaction.
func (db *DB) AddEndpoints(ctx context.Context, eps []endpoint.Endpoint) ([]store.Registered, error) {
	var added []store.Registered
	err := db.updateGrowing(ctx, func(t *txn) error {
		added = make([]store.Registered, len(eps))
		for i, ep := range eps {
			var err error
			if added[i], err = t.addEndpoint(ep); err != nil {
				return err
			}
		}
		return nil
	})
	return added, err
}

func (t *txn) addEndpoint(ep endpoint.Endpoint) (added store.Registered, err error) {
	if t.bucket(bucketNames).Get([]byte(ep.Name)) != nil {
		return added, refuse(fmt.Errorf("endpoint %q: %w", ep.Name, store.ErrExists))
	}
	if ep.ID, err = t.endpoints.NextSequence(); err != nil {
		return added, err
	}
	if ep.ID > maxEndpoint {
		return added, fmt.Errorf("endpoint %q: all %d ids are used up", ep.Name, uint64(maxEndpoint))
	}
	if err := t.bucket(bucketNames).Put([]byte(ep.Name), endpointKey(ep.ID)); err != nil {
		return added, err
	}
	t.deletionsOf[ep.ID] = tracking.Deletions{Told: ep.Created}
	added.Endpoint = ep
	added.Revision, err = t.putEndpoint(&ep)
	return added, err
}

// UpdateEndpoint lets change alter the endpoint of that name.
func (db *DB) UpdateEndpoint(ctx context.Context, name string, change func(*endpoint.Endpoint) error) (store.Registered, error) {
	var updated store.Registered
	err := db.update(ctx, func(t *txn) error {
		ep, err := t.findEndpoint(name)
		if err != nil {
			return err
		}
		changed := *ep
		if err := calling(change, &changed); err != nil {
			return refuse(err)
		}
		changed.ID, changed.Name, changed.Group, changed.Created = ep.ID, ep.Name, ep.Group, ep.Created
		updated.Endpoint = changed
		updated.Revision, err = t.putEndpoint(&changed)
		return err
	})
	return updated, err
}

// calling calls a caller's function. Its panic must not end the goroutine that
// writes for everybody.
func calling(change func(*endpoint.Endpoint) error, ep *endpoint.Endpoint) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("change endpoint %s: panic: %v", ep.Name, cause)
		}
	}()
	return change(ep)
}

// RemoveEndpoint removes the endpoint at once; what it leaves behind is freed
// later, by Maintain, so that removing a million debts holds up nobody.
func (db *DB) RemoveEndpoint(ctx context.Context, name string) (store.Removed, error) {
	var removed store.Removed
	err := db.update(ctx, func(t *txn) error {
		ep, err := t.findEndpoint(name)
		if err != nil {
			return err
		}
		counts, err := t.tally.of(ep.ID)
		if err != nil {
			return err
		}
		removed = store.Removed{Endpoint: *ep, Open: counts.Open + counts.Held, Failed: counts.Failed, Tracked: counts.Tracked}
		// The totals keep what the endpoint was told, and lose what it was owed.
		all, err := t.tally.of(0)
		if err != nil {
			return err
		}
		all.Add(store.Counts{
			Open: -counts.Open, Retrying: -counts.Retrying, Failed: -counts.Failed, Background: -counts.Background,
			Deleting: -counts.Deleting, Held: -counts.Held, Tracked: -counts.Tracked,
			Dropped: counts.Open + counts.Held + counts.Failed,
		})
		delete(t.healthOf, ep.ID)
		delete(t.deletionsOf, ep.ID)
		key := endpointKey(ep.ID)
		for _, step := range []error{
			t.bucket(bucketNames).Delete([]byte(name)), t.endpoints.Delete(key), t.bucket(bucketHealth).Delete(key), t.tally.forget(ep.ID),
			t.bucket(bucketDeletions).Delete(key), t.bucket(bucketResyncs).Delete(key),
			t.bucket(bucketRemoved).Put(key, []byte{}),
		} {
			if step != nil {
				return step
			}
		}
		removed.Revision, err = t.raiseRevision()
		return err
	})
	return removed, err
}

// ResetHealth forgets what held the endpoint back.
func (db *DB) ResetHealth(ctx context.Context, id uint64, now time.Time) (endpoint.Health, error) {
	var health endpoint.Health
	err := db.update(ctx, func(t *txn) error {
		if t.endpoints.Get(endpointKey(id)) == nil {
			return refuse(fmt.Errorf("endpoint %d: %w", id, store.ErrNotFound))
		}
		h, err := t.getHealth(id)
		if err != nil {
			return err
		}
		*h = h.Reset(now)
		health = *h
		return nil
	})
	return health, err
}

// findEndpoint refuses if there is none.
func (t *txn) findEndpoint(name string) (*endpoint.Endpoint, error) {
	id := t.bucket(bucketNames).Get([]byte(name))
	if id == nil {
		return nil, refuse(fmt.Errorf("endpoint %q: %w", name, store.ErrNotFound))
	}
	ep, err := t.db.opts.decodeEndpoint(name, id, t.endpoints.Get(id))
	return &ep, err
}

// putEndpoint writes the endpoint and raises the revision.
func (t *txn) putEndpoint(ep *endpoint.Endpoint) (revision uint64, err error) {
	record, err := t.db.opts.encodeEndpoint(ep)
	if err != nil {
		return 0, err
	}
	if err := t.endpoints.Put(endpointKey(ep.ID), record); err != nil {
		return 0, err
	}
	return t.raiseRevision()
}

func (t *txn) raiseRevision() (uint64, error) {
	revision := getUint64(t.meta, metaRevision) + 1
	return revision, putUint64(t.meta, metaRevision, revision)
}

// sweep frees what removed endpoints left, page by page.
func (db *DB) sweep(ctx context.Context) error {
	for {
		id, found, err := db.nextRemoved()
		if err != nil || !found {
			return err
		}
		err = fitting(sweepPage, func(page int) error {
			return db.update(ctx, func(t *txn) error { return t.sweep(id, page) })
		})
		if err != nil {
			return fmt.Errorf("free what a removed endpoint left: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (db *DB) nextRemoved() (id uint64, found bool, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket(bucketRemoved).Cursor().First(); k != nil {
			id, found = endpointOf(k), true
		}
		return nil
	})
	return id, found, err
}

// sweep frees so many of a removed endpoint's records, and forgets the endpoint when
// there are none left. Each debt is filed, or has left trouble, or both; that
// leads to the rows, which other endpoints have a part in.
func (t *txn) sweep(id uint64, left int) error {
	prefix := endpointKey(id)
	trouble := t.bucket(bucketTrouble)
	for _, bucket := range []*bbolt.Bucket{t.due, trouble, t.bucket(bucketTracked), t.bucket(bucketSkips)} {
		var keys [][]byte
		var owed []debt.Key
		cursor := bucket.Cursor()
		for k, v := cursor.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) && left > 0; k, v = cursor.Next() {
			keys = append(keys, bytes.Clone(k))
			left--
			switch bucket {
			case t.due:
				owed = append(owed, debt.Key(v))
			case trouble:
				key, _, err := decodeTrouble(v)
				if err != nil {
					return err
				}
				owed = append(owed, key)
			}
		}
		// In the order of their rows, so that each page is come to once.
		slices.Sort(owed)
		for _, key := range owed {
			if err := t.rows.remove(id, key); err != nil {
				return err
			}
		}
		for _, k := range keys {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
	}
	if left == 0 {
		return nil
	}
	return t.bucket(bucketRemoved).Delete(prefix)
}
