package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
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
		held, err := b.service().ListHeld(b.Context(), "shop", api.Page{Limit: 50})
		if err != nil || held.Held != 80 || len(held.Deletions) != 50 || held.Next == "" || held.Deletions[0].AssetID != event.IntID(1) {
			b.Errorf("listed: %+v, %v", held, err)
		}
		if held, err = b.service().ListHeld(b.Context(), "shop", api.Page{Limit: 50, Cursor: held.Next}); err != nil || len(held.Deletions) != 30 || held.Next != "" {
			b.Errorf("listed further: %+v, %v", held, err)
		}
		_, err = b.service().ListHeld(b.Context(), "shop", api.Page{Limit: 50, Cursor: "?"})
		wantCode(b.T, err, api.CodeInvalid)
		if list, err := b.service().ListEndpoints(b.Context()); err != nil || list[0].Held != 80 {
			b.Errorf("endpoints: %+v, %v", list, err)
		}
		if _, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
			ep.Options = options("guard=0")
			return nil
		}); err != nil {
			b.Error(err)
		}
		b.wait(time.Minute)
		if state, err := b.service().GetEndpoint(b.Context(), "shop"); err != nil || state.Held != 80 {
			b.Errorf("with the guard off: %+v, %v", state, err)
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

func TestWhatIsHeldIsReleasedWhateverTheStyleIsByThen(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 100)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 60)
		b.resync("shop", api.ResyncOrder{Changed: true})
		b.told("shop")
		restyle := func(name string) {
			b.Helper()
			if _, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
				ep.Style, ep.Subscription.ChangeTypes, ep.Options = name, event.AssetChanged, nil
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		restyle("notify")
		before := len(b.received("/shop"))
		released, err := b.service().ReleaseDeletions(b.Context(), "shop")
		if err != nil || released.Released != 60 {
			b.Errorf("released %+v, %v", released, err)
		}
		b.wait(time.Minute)
		if n := len(b.received("/shop")) - before; n != 60 {
			b.Errorf("%d notifications, want one of each asset", n)
		}
		if status := b.status(); status.Debts.HeldDeletions != 0 || !status.Idle {
			b.Errorf("in the end: %+v", status)
		}
		_, err = b.service().ReleaseDeletions(b.Context(), "shop")
		wantCode(b.T, err, api.CodeConflict) // its style holds none
		_, err = b.service().ReleaseDeletions(b.Context(), "none")
		wantCode(b.T, err, api.CodeNotFound)
		_, err = b.service().ListHeld(b.Context(), "none", api.Page{Limit: 1})
		wantCode(b.T, err, api.CodeNotFound)
		_, err = b.service().ListHeld(b.Context(), "shop", api.Page{Limit: 1})
		wantCode(b.T, err, api.CodeConflict)
		restyle("managed")
		if released, err = b.service().ReleaseDeletions(b.Context(), "shop"); err != nil || released.Released != 0 {
			b.Errorf("with none held: %+v, %v", released, err)
		}
	})
}

// Assets vanish from the catalogue and come back, and no event says so. What
// compares by the clock holds their deletions, and takes them back.
func TestHeldDeletionsCancelThemselvesWhenTheAssetsAreBack(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", `resyncEvery="1h"`)
		b.knows("x", 1, 200)
		b.wait(61 * time.Minute)
		b.told("shop")
		b.loses(1, 80)
		b.wait(time.Hour)
		if s := b.status(); s.Debts.HeldDeletions != 80 {
			b.Fatalf("%d deletions are held, want 80", s.Debts.HeldDeletions)
		}
		b.knows("x", 3, 80)
		b.wait(3 * time.Hour)
		if told := b.told("shop"); len(told) > 0 {
			b.Errorf("told %v, though nobody has released the two that are not back", told)
		}
		if s := b.status(); s.Debts.HeldDeletions != 2 || s.Endpoints[0].Tracked != 200 {
			b.Errorf("%d deletions are held, %d assets tracked", s.Debts.HeldDeletions, s.Endpoints[0].Tracked)
		}
		if released, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil || released.Released != 2 {
			b.Errorf("released %+v, %v", released, err)
		}
		b.wait(time.Minute)
		if told := b.told("shop"); !slices.Equal(told, []string{"delete 1", "delete 2"}) {
			b.Errorf("after the release, told %v", told)
		}
	})
}

// Some of a mass of deletions come back. The rest are few enough for the guard to let
// them pass, had they come alone; nobody has looked at them, whatever is owed of them
// meanwhile.
func TestTheRestOfAMassStaysHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop", `resyncEvery="1h"`)
		b.knows("x", 1, 1000)
		b.wait(61 * time.Minute)
		b.told("shop")
		b.loses(1, 300)
		b.push("AssetDeleted", 1, 300)
		b.wait(time.Minute)
		b.knows("x", 1, 150)
		b.push("AssetCreated", 1, 150)
		b.wait(time.Minute)
		for name, meanwhile := range map[string]func(){
			"by the clock":          func() { b.wait(2 * time.Hour) },
			"all again":             func() { b.resync("shop", api.ResyncOrder{}) },
			"deleted once more":     func() { b.push("AssetDeleted", 151, 300) },
			"changed, and not back": func() { b.push("AssetMetadataUpdated", 151, 300) },
		} {
			meanwhile()
			b.wait(time.Minute)
			deleted := slices.DeleteFunc(b.told("shop"), func(told string) bool { return !strings.HasPrefix(told, "delete") })
			if held := b.status().Debts.HeldDeletions; held != 150 || len(deleted) > 0 {
				b.Errorf("%s: %d are held, want 150; deleted %.3q", name, held, deleted)
			}
		}
	})
}

// Held deletions are owed once more when they are released, and wait to be judged: they
// were held when a person decided, and are sent by one release.
func TestWhatIsJudgedAnewIsReleasedToo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop")
		b.knows("x", 1, 200)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 80)
		b.push("AssetDeleted", 1, 80)
		b.wait(time.Minute)
		b.told("shop")
		for _, judged := range []int{40, 0} { // the second time all are
			b.push("AssetDeleted", judged+1, 80)
			b.wait(time.Second)
			if s := b.status(); s.Debts.HeldDeletions != uint64(judged) {
				b.Fatalf("%d deletions are held, want %d", s.Debts.HeldDeletions, judged)
			}
			if judged > 0 {
				b.wait(time.Minute)
			}
		}
		if released, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil || released.Released != 0 {
			b.Errorf("released %+v, %v", released, err)
		}
		b.wait(time.Minute)
		if told := b.told("shop"); len(told) != 80 {
			b.Errorf("told %d: %v", len(told), told)
		}
		if s := b.status(); s.Debts.HeldDeletions != 0 || s.Endpoints[0].Tracked != 120 {
			b.Errorf("in the end: %+v", s.Endpoints[0])
		}
		b.loses(81, 140)
		b.push("AssetDeleted", 81, 140)
		b.wait(time.Minute)
		if s := b.status(); s.Debts.HeldDeletions != 60 {
			b.Errorf("%d deletions are held that nobody has looked at, want 60", s.Debts.HeldDeletions)
		}
	})
}

// Assets whose deletions are held come back, and a person releases what is held. If they
// vanish again before the receiver has taken them, nobody has looked at that.
func TestWhatWasBackAndVanishesAgainIsHeldAnew(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop")
		b.knows("x", 1, 200)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 80)
		b.push("AssetDeleted", 1, 80)
		b.wait(time.Minute)
		b.receiver.AnswerStatus(503)
		b.knows("y", 1, 80)
		b.push("AssetCreated", 1, 80)
		b.wait(time.Minute)
		b.told("shop")
		b.enable(false)
		if released, err := b.service().ReleaseDeletions(b.Context(), "shop"); err != nil || released.Released != 0 {
			b.Errorf("released %+v, %v", released, err)
		}
		b.loses(1, 80)
		b.wait(10 * time.Hour)
		b.receiver.AnswerWith(acknowledge)
		b.enable(true) // all are due
		if told := b.told("shop"); len(told) > 0 {
			b.Errorf("told %d deletions", len(told))
		}
		if s := b.status(); s.Debts.HeldDeletions != 80 || s.Endpoints[0].Tracked != 200 {
			b.Errorf("%d deletions are held, and %d assets tracked; want 80 and 200", s.Debts.HeldDeletions, s.Endpoints[0].Tracked)
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

// Who synchronises an asset is not told of the deletions of others.
func TestASynchronisationOfOneAssetTellsOfItsDeletionAlone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 200)
		b.resync("shop", api.ResyncOrder{})
		b.loses(1, 80)
		b.resync("shop", api.ResyncOrder{Changed: true})
		for asset, want := range map[int64]uint64{5: 1, 100: 0} {
			b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(asset)}})
			if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Held != want {
				b.Errorf("of asset %d, %d deletions are held, %v", asset, state.Held, err)
			}
		}
	})
}
