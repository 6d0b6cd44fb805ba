package bolt

import (
	"context"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

// Resync returns an endpoint's last job.
func (db *DB) Resync(_ context.Context, endpoint uint64) (job resync.Job, err error) {
	found := false
	err = db.view(func(tx *bbolt.Tx) (err error) {
		job, found, err = readResync(tx.Bucket(bucketResyncs), endpoint)
		return err
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err != nil {
		return job, fmt.Errorf("read synchronisation: %w", err)
	}
	return job, nil
}

func readResync(b *bbolt.Bucket, endpoint uint64) (job resync.Job, found bool, err error) {
	record := b.Get(endpointKey(endpoint))
	if record == nil {
		return job, false, nil
	}
	if err := decodeJSON(record, &job); err != nil {
		return job, true, damaged("the synchronisation of endpoint %d: %w", endpoint, err)
	}
	return job, true, nil
}

// Owe owes what a job has found, and keeps the job.
func (db *DB) Owe(ctx context.Context, o store.Owing) (store.Ingested, error) {
	record, err := json.Marshal(o.Job)
	if err != nil {
		return store.Ingested{}, fmt.Errorf("owe: %w", err)
	}
	var result store.Ingested
	change := db.updateGrowing
	if len(o.Changes)+len(o.Handed.Of) == 0 && !o.Job.Running() {
		change = db.update // a job can be ended without room
	}
	err = change(ctx, func(t *txn) error {
		key := endpointKey(o.Endpoint)
		if t.endpoints.Get(key) == nil {
			return refuse(fmt.Errorf("endpoint %d: %w", o.Endpoint, store.ErrNotFound))
		}
		before, found, err := readResync(t.bucket(bucketResyncs), o.Endpoint)
		if err != nil {
			return err
		}
		goesOn := found && before.Number == o.Job.Number && before.Running()
		begins := o.Job.Number == before.Number+1 && !before.Running()
		if !goesOn && !begins {
			return refuse(store.ErrRevision)
		}
		changes, merged, err := t.owedAlready(o.Endpoint, &o.Handed)
		if err != nil {
			return err
		}
		changes = append(changes, o.Changes...)
		if result, err = t.owe(changes, sortChanges(changes), o.Now); err != nil {
			return err
		}
		result.Owed = merged
		return t.bucket(bucketResyncs).Put(key, record)
	})
	if err != nil {
		return store.Ingested{}, fmt.Errorf("owe: %w", err)
	}
	return result, nil
}

// resyncs checks that jobs can be read.
func (c *recordCheck) resyncs(_, v []byte) {
	if err := decodeJSON(v, new(resync.Job)); err != nil {
		c.fault("a synchronisation can't be read: %v", err)
	}
}
