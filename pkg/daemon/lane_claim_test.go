package daemon

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// walked claims from a row of debts in the background, of which a claim says how far
// it has come.
type walked struct {
	laneStore
	debts  []debt.Debt
	looked int // at debts
}

func (s *walked) Claim(_ context.Context, r store.ClaimRequest) (c store.Claim, err error) {
	for i := range s.debts {
		d := &s.debts[i]
		place := fmt.Sprintf("%04d", i)
		if place <= r.After || len(c.Debts) == min(r.Limit, r.Background) {
			continue
		}
		if s.looked++; !r.Busy(d.Object) {
			c.Debts, c.Behind = append(c.Debts, *d), place
		}
	}
	return c, nil
}

// What is under way in the background is not looked at with each claim; and what is
// due again is not passed over for long, nor while there is nothing else.
func TestAClaimPassesOverWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	s := &walked{}
	for n := range 100 {
		id := event.IntID(int64(n))
		s.debts = append(s.debts, debt.Debt{Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id}, Background: true})
	}
	d := newDispatcher(&lane{store: s})
	claim := func(after time.Duration, limit int) (ids []string) {
		s.looked = 0
		claim, err := d.claim(t.Context(), store.ClaimRequest{
			Now: begun.Add(after), Limit: limit + 10, Background: limit, Busy: d.busy.hasObject,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, claimed := range claim.Debts {
			d.busy.objects[claimed.Object] = true
			ids = append(ids, claimed.Object.BaseID.String())
		}
		return ids
	}
	for at := range 9 {
		if got := claim(time.Duration(at)*time.Millisecond, 10); len(got) != 10 || got[0] != fmt.Sprint(10*at) || s.looked != 10 {
			t.Errorf("claim %d has looked at %d debts for %v", at, s.looked, got)
		}
	}
	giveBack := func(n int) { delete(d.busy.objects, s.debts[n].Object) }
	giveBack(3)
	if got := claim(20*time.Millisecond, 5); !slices.Equal(got, []string{"90", "91", "92", "93", "94"}) {
		t.Errorf("while there is enough behind it: %v", got)
	}
	if got := claim(passOverFor, 1); !slices.Equal(got, []string{"3"}) {
		t.Errorf("after a while: %v", got)
	}
	giveBack(7)
	if got := claim(passOverFor+time.Millisecond, 10); !slices.Equal(got, []string{"7", "95", "96", "97", "98", "99"}) {
		t.Errorf("when there is not enough: %v", got)
	}
	giveBack(99)
	if got := claim(passOverFor-time.Second, 10); !slices.Equal(got, []string{"99"}) {
		t.Errorf("after the clock was set back: %v", got)
	}
}
