package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// batchLines is how many events a batch of the file source has at most, which dz
// commits in one transaction.
const batchLines = 8000

// records are put into a bare store.
type records struct {
	puts int // of them all
	keys int // that they are put under, in no order, each one in every round
	size int // of a value, in bytes
}

// bareOptions are those with which dz makes and opens a store.
func bareOptions() *bbolt.Options {
	return &bbolt.Options{
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30, PageSize: 16 << 10,
	}
}

// putBare returns how many records a second bbolt takes without dz, opened as dz
// opens it: in transactions of batchLines, each flushed to the disk.
func putBare(dir string, r records) (rate float64, err error) {
	path := filepath.Join(dir, "bare.db")
	db, err := bbolt.Open(path, 0o600, bareOptions())
	if err != nil {
		return 0, fmt.Errorf("bare store: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close(), os.Remove(path)) }()
	begun := time.Now()
	for from := 0; from < r.puts; from += batchLines {
		err := db.Update(func(tx *bbolt.Tx) error { return r.put(tx, from, min(from+batchLines, r.puts)) })
		if err != nil {
			return 0, fmt.Errorf("bare store: %w", err)
		}
	}
	return float64(r.puts) / time.Since(begun).Seconds(), nil
}

// put puts the records of one transaction.
func (r records) put(tx *bbolt.Tx, from, to int) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		// bbolt keeps key and value until the transaction ends.
		key := binary.BigEndian.AppendUint32(nil, scattered(uint32(i%r.keys)))
		if err := bucket.Put(key, make([]byte, r.size)); err != nil {
			return err
		}
	}
	return nil
}

// scattered returns another number for each, in no order, as ids of a DAM come.
// An odd factor makes a permutation of all numbers of 32 bits.
func scattered(n uint32) uint32 { return n * 2654435761 }
