package store

import (
	"context"

	"github.com/dam-delivery/dz/pkg/debt"
)

// Debts says what is owed.
type Debts interface {
	// Debt returns what an endpoint is owed under a key, with the outcome of its
	// last attempt if that failed. ErrNotFound: nothing is owed.
	Debt(ctx context.Context, endpoint uint64, key debt.Key) (debt.Failure, error)
}
