package bolt

import (
	"errors"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
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

// A deletion counts as one as soon as there is something to delete, also if that is
// acknowledged by an attempt at a debt that was purged meanwhile.
func TestADeletionOwedAnewCountsWhenTheAssetIsAcknowledged(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	mustIngest(t, db, batch(id, revision, noon, 0, 7))
	now := noon.Add(time.Hour)
	mustSettle(t, db, id, ended(now, attempt.Refused, claim(t, db, id, now, 1)...))
	now = now.Add(2 * time.Hour)
	underWay := claim(t, db, id, now, 1)
	if n, _, err := db.Purge(t.Context(), debt.Selection{Retrying: true}, "", 10); n != 1 || err != nil {
		t.Fatalf("%d purged, %v", n, err)
	}
	deleted := batch(id, revision, now, 0, 7)
	deleted.Events[0].Type, deleted.Events[0].Reason = "AssetDeleted", "delete"
	mustIngest(t, db, deleted)
	a := ended(now, attempt.Delivered, underWay...)
	a.Debts[0].Acknowledged = &tracking.Acknowledgement{ID: underWay[0].Object.BaseID}
	mustSettle(t, db, id, a)
	losses, err := db.Losses(t.Context(), id, now)
	if err != nil || losses.Tracked != 1 || losses.Pending != 1 {
		t.Errorf("%+v, %v; want one tracked, and its deletion pending", losses, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
