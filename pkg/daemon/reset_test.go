package daemon

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// What is forgotten while a synchronisation goes by it would be left out by it.
func TestNothingIsForgottenDuringASynchronisation(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 2000)
		b.stop()
		b.maxBackground = 500 // it owes a page, and waits
		b.start()
		b.receiver.AnswerStatus(503)
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Minute)
		_, err := b.service().ResetTracked(b.Context(), "shop")
		wantCode(b.T, err, api.CodeConflict)
		b.receiver.AnswerWith(acknowledge)
		b.wait(time.Hour)
		if reset, err := b.service().ResetTracked(b.Context(), "shop"); err != nil || reset.Forgotten != 2000 {
			b.Errorf("reset %+v, %v", reset, err)
		}
		if found := b.resync("shop", api.ResyncOrder{}); found.Create != 2000 {
			b.Errorf("after it: %+v", found)
		}
	})
}

func TestAResetForgets(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 100)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 60)
		b.resync("shop", api.ResyncOrder{})
		page, err := b.service().ListTracked(b.Context(), "shop", true, api.Page{Limit: 60})
		if err != nil || len(page.Assets) != 60 || page.Next == "" || *page.Assets[0].State != "state of 1" || len(*page.Assets[0].StateHash) != 64 {
			b.Errorf("before: %+v, %v", page, err)
		}
		_, err = b.service().ListTracked(b.Context(), "shop", true, api.Page{Limit: 60, Cursor: "?"})
		wantCode(b.T, err, api.CodeInvalid)
		reset, err := b.service().ResetTracked(b.Context(), "shop")
		if err != nil || reset.Forgotten != 100 {
			b.Errorf("reset %+v, %v", reset, err)
		}
		if status := b.status(); status.Endpoints[0].Tracked != 0 || status.Debts.HeldDeletions != 0 {
			b.Errorf("after it: %+v", status)
		}
		_, err = b.service().GetTracked(b.Context(), "shop", "5")
		wantCode(b.T, err, api.CodeNotFound)
		b.told("shop")
		b.resync("shop", api.ResyncOrder{Changed: true})
		for _, action := range readBatch(b.received("/shop")[len(b.received("/shop"))-1].Body).Actions {
			if action.State != nil {
				b.Errorf("asset %d is told with state %q", action.AssetID, *action.State)
			}
		}
		if told := b.told("shop"); len(told) != 40 {
			b.Errorf("told %d, want the 40 that are there", len(told))
		}
	})
}
