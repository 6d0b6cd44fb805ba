package bolt

import (
	"context"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

const (
	// checkEvery is after how many records a check looks whether it should go on.
	checkEvery = 1000
	// releaseEvery is after how many records what was read is given back to the
	// system.
	releaseEvery = 50 * checkEvery
)

// recordCheck reads every record, bucket by bucket, and tells of those that
// can't be read or do not fit to others.
type recordCheck struct {
	tx     *bbolt.Tx
	chunks *chunkCoder
	tell   func(Fault)

	bucket, key []byte                  // that is being checked
	counted     map[uint64]store.Counts // by endpoint
	eventBytes  uint64
	nextEvent   uint64
}

// checkRecords checks all buckets of a database whose pages are sound. The error
// is ctx's.
func checkRecords(ctx context.Context, tx *bbolt.Tx, tell func(Fault)) error {
	chunks, err := newChunkCoder()
	if err != nil {
		return err
	}
	defer chunks.decoder.Close()
	c := &recordCheck{tx: tx, chunks: chunks, tell: tell, counted: make(map[uint64]store.Counts)}
	// The order matters: debts are counted before counts are compared.
	for _, check := range []struct {
		bucket []byte
		record func(k, v []byte)
	}{
		{bucketEndpoints, c.endpoints},
		{bucketNames, c.names},
		{bucketHealth, c.health},
		{bucketDebts, c.debts},
		{bucketOwed, c.owed},
		{bucketDue, c.due},
		{bucketTrouble, c.trouble},
		{bucketTracked, c.tracked},
		{bucketCounts, c.counts},
		{bucketEvents, c.events},
		{bucketRejected, c.rejected},
		{bucketAssets, c.assets},
		{bucketDeletions, c.deletions},
		{bucketResyncs, c.resyncs},
	} {
		if err := c.each(ctx, check.bucket, check.record); err != nil {
			return err
		}
	}
	c.finishCounts(tx)
	c.finishEvents()
	return nil
}

func (c *recordCheck) each(ctx context.Context, bucket []byte, record func(k, v []byte)) error {
	b := c.tx.Bucket(bucket)
	if b == nil {
		return nil // no format has all of them
	}
	n := 0
	return b.ForEach(func(k, v []byte) error {
		n++
		if n%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if n%releaseEvery == 0 {
			releasePages(c.tx.DB())
		}
		c.at(bucket, k)
		record(k, v)
		return nil
	})
}

func (c *recordCheck) at(bucket, key []byte) { c.bucket, c.key = bucket, key }

func (c *recordCheck) fault(format string, args ...any) {
	c.tell(Fault{Bucket: string(c.bucket), Key: c.key, Problem: fmt.Sprintf(format, args...)})
}

func (c *recordCheck) endpoints(k, v []byte) {
	var ep endpoint.Endpoint
	if err := decodeJSON(v, &ep); err != nil {
		c.fault("the endpoint can't be read: %v", err)
		return
	}
	if id := c.tx.Bucket(bucketNames).Get([]byte(ep.Name)); string(id) != string(k) {
		c.fault("endpoint %q is not found by its name", ep.Name)
	}
}

func (c *recordCheck) names(k, v []byte) {
	if c.tx.Bucket(bucketEndpoints).Get(v) == nil {
		c.fault("the name %q belongs to no endpoint", k)
	}
}

func (c *recordCheck) health(_, v []byte) {
	var h endpoint.Health
	if err := decodeJSON(v, &h); err != nil {
		c.fault("the endpoint's health can't be read: %v", err)
	}
}

func (c *recordCheck) events(k, v []byte) {
	if len(k) != 8 {
		c.fault("a chunk of events has a key of %d bytes", len(k))
		return
	}
	seq := number64(k, 0)
	if c.nextEvent != 0 && seq < c.nextEvent {
		c.fault("a chunk begins with event %d, and the one before ends with %d", seq, c.nextEvent-1)
	}
	c.eventBytes += uint64(len(v))
	events, err := c.chunks.readChunk(seq, v)
	if err != nil {
		c.fault("%s", plain(err))
		return
	}
	c.nextEvent = seq + uint64(len(events))
}

func (c *recordCheck) finishEvents() {
	c.at(bucketMeta, metaTotals)
	totals := readTotals(c.tx.Bucket(bucketMeta))
	if totals.eventBytes != c.eventBytes {
		c.fault("recent events are counted as %d bytes, and have %d", totals.eventBytes, c.eventBytes)
	}
	if c.nextEvent > totals.eventSeq+1 {
		c.fault("the newest event is number %d, and %d are counted", c.nextEvent-1, totals.eventSeq)
	}
}

func (c *recordCheck) rejected(_, v []byte) {
	var r source.Rejection
	if err := decodeJSON(v, &r); err != nil {
		c.fault("rejected input can't be read: %v", err)
	}
}

func (c *recordCheck) assets(k, v []byte) {
	id, err := splitAssetKey(k)
	if err != nil {
		c.fault("%s", plain(err))
		return
	}
	a, err := c.chunks.readAsset(catalogue.Whole, id, v)
	switch {
	case err != nil:
		c.fault("%s", plain(err))
	case a.Data != nil && (a.Data[0] != '{' || !json.Valid(a.Data)):
		c.fault("the data of asset %s is no JSON object", id)
	}
}
