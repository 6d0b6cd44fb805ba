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
