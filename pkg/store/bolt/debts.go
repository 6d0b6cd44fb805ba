package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// Debt returns one debt.
func (db *DB) Debt(_ context.Context, endpoint uint64, key debt.Key) (debt.Failure, error) {
	var found debt.Failure
	err := db.view(func(tx *bbolt.Tx) error {
		var owed stored
		there, err := newDebtFinder(tx).find(&owed, endpoint, key)
		if err != nil {
			return err
		}
		if !there || tx.Bucket(bucketEndpoints).Get(endpointKey(endpoint)) == nil {
			return store.ErrNotFound // or its endpoint is being removed
		}
		found.Debt = owed.Debt
		if !owed.Troubled {
			return nil
		}
		trouble := tx.Bucket(bucketTrouble).Get(troubleKey(endpoint, owed.ID.Seq()))
		if trouble == nil {
			return damaged("debt %s has left no trouble record", owed.ID)
		}
		_, found.Outcome, err = decodeTrouble(trouble)
		return err
	})
	if err != nil {
		return debt.Failure{}, fmt.Errorf("read debt of endpoint %d: %w", endpoint, err)
	}
	return found, nil
}

// LastDebt returns the number that was given last.
func (db *DB) LastDebt(context.Context) (uint64, error) {
	var last uint64
	err := db.view(func(tx *bbolt.Tx) error {
		last = tx.Bucket(bucketMeta).Sequence()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read the last debt's number: %w", err)
	}
	return last, nil
}
