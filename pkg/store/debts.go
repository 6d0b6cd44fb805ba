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
	// LastDebt returns the number of the debt that was made last (debt.ID.Seq);
	// 0 if there was none. Later debts have greater numbers, also after a restart.
	LastDebt(ctx context.Context) (uint64, error)
}
