package daemon

import (
	"context"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// asItIs goes on with the store as it is at this moment, as after a kill.
func (b *bubble) asItIs() {
	b.Helper()
	b.asItWas(func(store.Engine) {})
}

// asItWas is asItIs, and lets change the store before dz is started.
func (b *bubble) asItWas(change func(db store.Engine)) {
	b.Helper()
	file, err := os.Create(b.path + ".copy")
	if err != nil {
		b.Fatal(err)
	}
	if err := b.daemon.store.Backup(b.Context(), file); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	b.stop()
	if err := os.Rename(file.Name(), b.path); err != nil {
		b.Fatal(err)
	}
	db, err := bolt.Open(b.path, bolt.Options{KeepEvents: time.Hour, MaxEventBytes: 1 << 20, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	change(db)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	b.source.Rewind()
	b.start()
}

// A job that is broken off between two pages goes on after the last that was owed:
// it counts nothing twice, and leaves nothing out.
func TestAResyncGoesOnAfterAKill(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.stop()
		b.maxBackground = 600
		b.start()
		b.receiver.AnswerStatus(503)
		b.addManaged("shop", "guard=0")
		b.knows("x", 1, 3000)
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			b.Fatal(err)
		}
		var seen []uint64
		for range 4 {
			b.wait(time.Second)
			state, err := b.service().GetResync(b.Context(), "shop")
			if err != nil || !state.Running() {
				b.Fatalf("%+v, %v", state, err)
			}
			seen = append(seen, state.Found.Seen)
			b.asItIs()
			b.receiver.AnswerWith(acknowledge) // a page or two
			b.wait(30 * time.Millisecond)
			b.receiver.AnswerStatus(503)
		}
		if seen[0] != 1000 || !slices.IsSorted(seen) {
			b.Errorf("seen before each kill: %v", seen)
		}
		b.receiver.AnswerWith(acknowledge)
		b.wait(time.Hour)
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Found != (api.ResyncFound{Seen: 3000, Create: 3000}) {
			b.Fatalf("in the end: %+v, %v", state, err)
		}
		if tracked := b.status().Endpoints[0].Tracked; tracked != 3000 {
			b.Errorf("%d tracked, want 3000", tracked)
		}
		if found := b.dryResync("shop", api.ResyncOrder{Changed: true}); found.Unchanged != 3000 {
			b.Errorf("after it: %+v", found)
		}
	})
}

// What changes while a backlog is told goes before it, and is told as it is then,
// once.
func TestALiveChangeGoesBeforeTheBacklog(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			answer := acknowledge(r)
			answer.Delay = time.Second
			return answer
		})
		b.add("shop", debounce(0), func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes, ep.Concurrency = "managed", 0, 1
			ep.Options = options("maxBatchSize=10")
		})
		b.knows("old", 1, 200)
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			b.Fatal(err)
		}
		b.wait(2500 * time.Millisecond)
		b.told("shop")
		b.knows("new", 195, 195)
		b.change(195)
		b.wait(2 * time.Second)
		if told := b.told("shop"); !slices.Contains(told, "sync 195") || len(told) > 20 {
			b.Errorf("after a live change: %v", told)
		}
		b.wait(time.Minute)
		var titles []string
		for _, r := range b.received("/shop") {
			for _, action := range readBatch(r.Body).Actions {
				if action.AssetID == 195 {
					titles = append(titles, string(action.Asset))
				}
			}
		}
		if len(titles) != 1 || !strings.Contains(titles[0], `"new"`) {
			b.Errorf("asset 195 was told as %v", titles)
		}
	})
}

// unsteady is a catalogue that fails in its list, some times.
type unsteady struct {
	catalogue.Viewer
	faults []error
}

func (u *unsteady) List(ctx context.Context, view catalogue.View, cursor *string) iter.Seq2[catalogue.Asset, error] {
	return func(yield func(catalogue.Asset, error) bool) {
		n := 0
		for asset, err := range u.Viewer.List(ctx, view, cursor) {
			if n++; n == 700 && len(u.faults) > 0 {
				asset, err = catalogue.Asset{}, u.faults[0]
				u.faults = u.faults[1:]
			}
			if !yield(asset, err) || err != nil && errorsEnd(err) {
				return
			}
		}
	}
}

func errorsEnd(err error) bool { return unreadableAsset(err).IsZero() }

func TestAResyncWaitsForTheCatalogue(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 2000)
		away := &catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: "HTTP 503", After: 10 * time.Minute}
		b.daemon.resyncs.viewer = &unsteady{b.daemon.shown, []error{
			&catalogue.ReadError{Kind: catalogue.ErrUnreadable, Asset: event.IntID(700), Text: "no JSON"}, away, away,
		}}
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Minute)
		b.daemon.resyncs.viewer = &unsteady{b.daemon.shown, nil}
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Found.Unread != 1 || state.Found.Create != 1999 {
			b.Fatalf("one asset can't be read: %+v, %v", state, err)
		}
		b.daemon.resyncs.viewer = &unsteady{b.daemon.shown, []error{away, away}}
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{Changed: true}); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Minute)
		if state, err = b.service().GetResync(b.Context(), "shop"); err != nil || !state.Running() || !strings.Contains(state.Error, "HTTP 503") {
			b.Fatalf("while it waits: %+v, %v", state, err)
		}
		if b.status().Idle {
			b.Error("idle while a synchronisation is under way")
		}
		b.wait(time.Hour)
		state, err = b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Error != "" || state.Found != (api.ResyncFound{Seen: 2000, Create: 1, Unchanged: 1999}) {
			b.Errorf("after it: %+v, %v", state, err)
		}
		// It got further in between.
		if lines := b.logged.Lines("a synchronisation can't go on"); len(lines) != 2 {
			b.Errorf("logged: %v", lines)
		}
		b.daemon.resyncs.viewer = &unsteady{b.daemon.shown, []error{&catalogue.ReadError{Kind: catalogue.ErrRefused, Text: "HTTP 401"}}}
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Minute)
		state, err = b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncStopped || !strings.Contains(state.Error, "HTTP 401") || state.Ended == nil {
			b.Errorf("refused: %+v, %v", state, err)
		}
		if !b.status().Idle {
			b.Error("not idle after it has ended")
		}
	})
}

// One asset that an integration can't take is retried for days: who waits for a
// synchronisation is not kept for that long, and is told of it.
func TestAResyncIsOverForWhoWaitsWhenTheRestIsBeingRetried(t *testing.T) {
	inBubble(t, func(b *bubble) {
		poison := 3
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			for _, action := range readBatch(r.Body).Actions {
				if action.AssetID == poison {
					return dztest.Answer{Status: http.StatusInternalServerError}
				}
			}
			return acknowledge(r)
		})
		b.addManaged("shop")
		b.knows("a", 1, 250)
		state := func(when string) api.ResyncState {
			b.Helper()
			state, err := b.service().GetResync(b.Context(), "shop")
			if err != nil {
				b.Fatalf("%s: %v", when, err)
			}
			return state
		}
		want := func(when string, remaining, untried, retrying, failed uint64) {
			b.Helper()
			s := state(when)
			if s.Remaining != remaining || s.Untried != untried || s.Retrying != retrying || s.Failed != failed {
				b.Errorf("%s: %d remaining, %d untried, %d retrying, %d failed", when, s.Remaining, s.Untried, s.Retrying, s.Failed)
			}
		}
		b.resync("shop", api.ResyncOrder{})
		want("one is refused", 1, 0, 1, 0)
		b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(9)}})
		want("another is told alone", 1, 0, 0, 0)
		b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(3)}})
		want("it is told again", 1, 0, 1, 0)
		b.wait(90 * time.Hour)
		want("after three days", 0, 0, 0, 1)
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", false); err != nil {
			b.Fatal(err)
		}
		b.resync("shop", api.ResyncOrder{})
		want("nothing is sent", 250, 250, 0, 0)
	})
}
