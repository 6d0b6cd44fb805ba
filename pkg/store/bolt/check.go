package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// maxFaults bounds how many faults are named.
const maxFaults = 20

// Check reads everything and reports what does not fit together: bad pages,
// records that can't be read, debts that are not filed, or filed where they
// should not be, and counts that are wrong. It is one long read transaction,
// for a store that is open and not in use; see Examine for one that is not open.
func (db *DB) Check(ctx context.Context) error {
	var faults []error
	fault := func(err error) {
		if len(faults) < maxFaults {
			faults = append(faults, damaged("%w", err))
		}
	}
	err := db.view(func(tx *bbolt.Tx) error {
		lastCommit, err := checkPages(db.path, tx, db.bolt.Info().PageSize)
		if lastCommit != nil {
			fault(lastCommit)
		}
		if err != nil {
			fault(err)
			return nil
		}
		for err := range tx.Check() {
			fault(err)
		}
		if len(faults) > 0 {
			return nil
		}
		return checkRecords(ctx, tx, func(f Fault) {
			fault(fmt.Errorf("bucket %s, key %x: %s", f.Bucket, f.Key, f.Problem))
		})
	})
	return errors.Join(append(faults, err)...)
}
