package bolt

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/store"
)

// Debts whose debounce was prolonged stand before one that is due. However many
// they are, a claim comes back soon, and the next one goes on behind them.
func TestAClaimEndsThoughMuchIsToBeFiledAnew(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	const prolonged = 3*maxRefiled + 100
	mustIngest(t, db, batch(id, revision, noon, 0, upTo(prolonged)...))
	mustIngest(t, db, batch(id, revision, noon.Add(time.Second), 0, prolonged))
	mustIngest(t, db, batch(id, revision, noon.Add(4*time.Second), 0, upTo(prolonged)...))

	now := noon.Add(window.Interval + time.Second)
	for n := 1; ; n++ {
		before := commits(t, db)
		c, err := db.Claim(t.Context(), store.ClaimRequest{Endpoint: id, Now: now, Limit: 8})
		if err != nil {
			t.Fatal(err)
		}
		if n := commits(t, db) - before; n > maxRefiled/claimPage {
			t.Errorf("one claim made %d commits", n)
		}
		if len(c.Debts) == 1 && c.Debts[0].Key == keyOf(prolonged) {
			if n != 4 {
				t.Errorf("it took %d claims to find what is due, want 4", n)
			}
			return
		}
		if len(c.Debts) != 0 || !c.Next.Equal(now) || n == 10 {
			t.Fatalf("claim %d: %d debts, next at %v", n, len(c.Debts), c.Next)
		}
	}
}
