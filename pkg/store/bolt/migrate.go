package bolt

import (
	"bytes"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// migratePage is how many debts are moved in one commit.
const migratePage = 10_000

// sinceFormat are the buckets that stores have from a format on.
var sinceFormat = map[uint64][][]byte{
	3: {bucketTracked, bucketDeletions, bucketSkips, bucketResyncs},
	4: {bucketOwed},
}

// bucketsOf returns the buckets that a store of a format must have.
func bucketsOf(format uint64) [][]byte {
	all := buckets()
	for since, names := range sinceFormat {
		if format < since {
			all = slices.DeleteFunc(all, func(name []byte) bool {
				return slices.ContainsFunc(names, func(other []byte) bool { return bytes.Equal(name, other) })
			})
		}
	}
	if format < 4 {
		all = append(all, bucketDebts)
	}
	return all
}

// migrate makes a store of an older format one of this. Its debts are moved some
// at a time, so that a large store needs little memory for it; where a crash ends
// that, the next call goes on. Until it is done, debts stand in both buckets, none
// of them in both, and no dz that does not know of it opens the store.
func migrate(b *bbolt.DB) error {
	current := false
	err := b.View(func(tx *bbolt.Tx) error {
		current = getUint64(tx.Bucket(bucketMeta), metaFormat) == Format && tx.Bucket(bucketDebts) == nil
		return nil
	})
	if err != nil || current {
		return err
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return putUint64(tx.Bucket(bucketMeta), metaFormat, Format)
	})
	for more := true; more && err == nil; {
		err = b.Update(func(tx *bbolt.Tx) (err error) {
			more, err = moveDebts(tx)
			return err
		})
	}
	return err
}

// moveDebts moves some debts into rows, and reports whether there may be more. Those
// of a removed endpoint are dropped: a dz of format 3 may have freed what leads to
// them already, as it freed debts last.
func moveDebts(tx *bbolt.Tx) (more bool, err error) {
	single := tx.Bucket(bucketDebts)
	if single == nil {
		return false, nil
	}
	rows, endpoints := newRows(tx.Bucket(bucketOwed)), tx.Bucket(bucketEndpoints)
	var moved [][]byte
	cursor := single.Cursor()
	for k, v := cursor.First(); k != nil && len(moved) < migratePage; k, v = cursor.Next() {
		id, key, err := splitDebtKey(k)
		if err != nil {
			return false, damaged("%w", err)
		}
		moved = append(moved, bytes.Clone(k))
		if endpoints.Get(endpointKey(id)) == nil {
			continue
		}
		s, err := decodeDebt(id, key, v)
		if err != nil {
			return false, err
		}
		course, matter := encodeShared(nil, s)
		if err := rows.put(s, course, matter); err != nil {
			return false, err
		}
	}
	if len(moved) == 0 {
		return false, tx.DeleteBucket(bucketDebts)
	}
	for _, k := range moved {
		if err := single.Delete(k); err != nil {
			return false, err
		}
	}
	return true, nil
}
