package bolt

import (
	"errors"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/store"
)

// Attempts that are settled together are settled all or, where one meets
// damage, none.
func TestSettlingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	mustIngest(t, db, batch(id, revision, noon, 10, upTo(3)...))
	now := noon.Add(time.Hour)
	debts := claim(t, db, id, now, 3)
	attempts := make([]store.Attempt, len(debts))
	for i, d := range debts {
		attempts[i] = ended(now, attempt.Delivered, d)
	}
	last := appendRowKey(nil, id, debts[2].Key)
	record := replaceRow(t, db, last, []byte("garbage"))
	if _, err := db.Settle(t.Context(), id, attempts); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("settled with a damaged debt among them: %v", err)
	}
	replaceRow(t, db, last, record)
	if left := claim(t, db, id, now, 3); len(left) != 3 {
		t.Errorf("%d debts are due after the settlement failed, want 3", len(left))
	}
	all, err := db.Endpoints(t.Context())
	if h := all.Health[id]; err != nil || !h.LastSuccess.IsZero() {
		t.Errorf("health after the settlement failed is %+v, %v", h, err)
	}
	mustSettle(t, db, id, attempts...)
	if left := claim(t, db, id, now, 3); len(left) != 0 {
		t.Errorf("%d debts are due after all were settled", len(left))
	}
}

// replaceRow puts another row of debts in the place of one and returns that.
func replaceRow(t *testing.T, db *DB, key, record []byte) (before []byte) {
	t.Helper()
	err := db.update(t.Context(), func(x *txn) error {
		before = append([]byte(nil), x.rows.bucket.Get(key)...)
		return x.rows.bucket.Put(key, record)
	})
	if err != nil {
		t.Fatal(err)
	}
	return before
}
