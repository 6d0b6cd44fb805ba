package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
)

func TestHeldDeletionsWaitForAPerson(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 200)
		b.resync("shop", api.ResyncOrder{})
		b.told("shop")
		b.loses(1, 80)
		if found := b.resync("shop", api.ResyncOrder{Changed: true}); found.Delete != 80 {
			b.Errorf("found %+v", found)
		}
		b.knows("y", 200, 200)
		b.change(200)
		b.wait(time.Minute)
		if told := b.told("shop"); len(told) != 1 || told[0] != "sync 200" {
			b.Errorf("told %v: everything else goes on", told)
		}
		status := b.status()
		if !status.Idle || status.Debts.HeldDeletions != 80 || status.Endpoints[0].Held != 80 || status.Endpoints[0].Debts != 0 {
			b.Errorf("while they are held: %+v", status)
		}
		warned := b.logged.Lines("too many assets would be deleted at a time")
		if len(warned) != 1 || !strings.Contains(warned[0], "held=80") || !strings.Contains(warned[0], `"dz endpoint release shop"`) {
			b.Errorf("logged %v", warned)
		}
		detail, err := b.service().GetTracked(b.Context(), "shop", "5")
		if err != nil || detail.Tracked == nil || detail.Owed == nil || detail.Owed.State != api.ToldHeld ||
			!strings.Contains(detail.Owed.Text, "dz endpoint release shop") || *detail.Tracked.State != "state of 5" {
			b.Errorf("one of them: %+v, %v", detail, err)
		}
		b.knows("x", 41, 80) // these come back
		released, err := b.service().ReleaseDeletions(b.Context(), "shop")
		if err != nil || released.Released != 80 {
			b.Errorf("released %+v, %v", released, err)
		}
		b.wait(time.Minute)
		if told := b.told("shop"); len(told) != 40 || told[0] != "delete 1" {
			b.Errorf("after the release, told %d: %v", len(told), told)
		}
		if skips, err := b.daemon.store.Skips(b.Context(), 1); err != nil || skips[attempt.Unchanged] != 40 {
			b.Errorf("skipped %v, %v", skips, err)
		}
		if status := b.status(); status.Endpoints[0].Tracked != 160 || status.Endpoints[0].Held != 0 || status.Endpoints[0].Skipped != 40 {
			b.Errorf("in the end: %+v", status.Endpoints[0])
		}
	})
}

func TestUntilIdleFailsWhileDeletionsAreHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 100)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 60)
		b.resync("shop", api.ResyncOrder{})
		b.stop()
		b.startUntilIdle()
		err := <-b.ended
		if !errors.Is(err, ErrFailuresRemain) || !strings.Contains(err.Error(), "60 deletions are held") {
			b.Errorf("it ends with %v", err)
		}
		b.start()
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
