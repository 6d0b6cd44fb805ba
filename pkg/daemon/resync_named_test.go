package daemon

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// A mistyped id is refused, and nothing is told; what is owed or was acknowledged is
// no mistake, though the catalogue never heard of it.
func TestAResyncOfAssetsThatNobodyKnowsIsRefused(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.addManaged("shop")
		b.knows("a", 1, 2)
		b.loses(2, 2)
		b.receiver.AnswerStatus(http.StatusInternalServerError)
		b.change(5)
		b.wait(time.Second)
		named := func(ids ...int64) api.ResyncOrder {
			var order api.ResyncOrder
			for _, id := range ids {
				order.Assets = append(order.Assets, event.IntID(id))
			}
			return order
		}
		refused := func(order api.ResyncOrder, want string) {
			b.Helper()
			for _, dry := range []bool{true, false} {
				order.DryRun = dry
				_, err := b.service().StartResync(b.Context(), "shop", order)
				if wantCode(b.T, err, api.CodeNotFound); !strings.HasPrefix(err.Error(), want) {
					b.Errorf("refused with %q, want %q", err, want)
				}
			}
		}
		many := named(1)
		for id := int64(101); id <= 1112; id++ {
			many.Assets = append(many.Assets, event.IntID(id))
		}
		refused(named(1, 2), "asset 2 is not in the catalogue")
		refused(named(6, 1, 7, 6), "assets 6, 7 are not in the catalogue")
		refused(many, "assets 101, 102, 103, 104, 105, 106, 107, 108, 109, 110 and 1002 more are not in the catalogue")
		b.wait(time.Minute)
		b.told("shop")
		b.receiver.AnswerWith(acknowledge)
		for _, c := range []struct {
			name  string
			found api.ResyncFound
		}{
			{"it is owed", api.ResyncFound{Seen: 2, Create: 2}},
			{"it was acknowledged", api.ResyncFound{Seen: 2, Update: 2}},
		} {
			if found := b.resync("shop", named(1, 5)); found != c.found {
				b.Errorf("%s: found %+v, want %+v", c.name, found, c.found)
			}
			if told := b.told("shop"); !slices.Equal(told, []string{"sync 1", "sync 5"}) {
				b.Errorf("%s: told %v", c.name, told)
			}
		}
	})
}

// away is a catalogue that can't be looked at until it is back.
type away struct {
	catalogue.Viewer
	back atomic.Bool
}

func (a *away) Look(ctx context.Context, view catalogue.View, ids []event.ID) ([]catalogue.Answer, error) {
	if !a.back.Load() {
		return nil, &catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: "HTTP 503"}
	}
	return a.Viewer.Look(ctx, view, ids)
}

// Whether an asset is known can't be said then: the synchronisation waits to see.
func TestAResyncOfNamedAssetsWaitsForTheCatalogue(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("a", 1, 1)
		viewer := &away{Viewer: b.daemon.shown}
		b.daemon.resyncs.viewer = viewer
		order := api.ResyncOrder{Assets: []event.ID{event.IntID(1)}}
		if _, err := b.service().StartResync(b.Context(), "shop", order); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Minute)
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || !state.Running() || !strings.Contains(state.Error, "HTTP 503") {
			b.Fatalf("while the catalogue is away: %+v, %v", state, err)
		}
		viewer.back.Store(true)
		b.wait(time.Hour)
		if told := b.told("shop"); !slices.Equal(told, []string{"sync 1"}) {
			b.Errorf("told %v", told)
		}
	})
}

// A status is looked at again and again: it has no room for thousands of ids.
func TestAStatusShowsSomeOfManyAssetsThatWereNamed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("a", 1, 1203)
		var order api.ResyncOrder
		for id := int64(1); id <= 1203; id++ {
			order.Assets = append(order.Assets, event.IntID(id))
		}
		if found := b.resync("shop", order); found.Create != 1203 {
			t.Errorf("found %+v", found)
		}
		shown := b.status().Endpoints[0].Resync
		if shown == nil || shown.Named != 1203 || !slices.Equal(shown.Assets, order.Assets[:maxShownNames]) {
			t.Errorf("shown: %+v", shown)
		}
		b.resync("shop", api.ResyncOrder{Changed: true})
		if shown := b.status().Endpoints[0].Resync; shown == nil || shown.Named != 0 || shown.Assets == nil || len(shown.Assets) != 0 {
			t.Errorf("of all assets: %+v", shown)
		}
	})
}
