package daemon

import (
	"context"
	"fmt"
	"iter"
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
)

// asItIs goes on with the store as it is at this moment, as after a kill.
func (b *bubble) asItIs() {
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

func TestAResyncBySchedule(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", `resyncEvery="1h"`)
		b.addManaged("never")
		b.knows("x", 1, 10)
		b.wait(50 * time.Minute)
		if told := b.told("shop"); len(told) != 0 {
			b.Errorf("before its time: %v", told)
		}
		b.wait(11 * time.Minute)
		if told := b.told("shop"); len(told) != 10 {
			b.Errorf("an hour after it was added: %v", told)
		}
		b.loses(3, 3)
		b.wait(time.Hour)
		if told := b.told("shop"); !slices.Equal(told, []string{"delete 3"}) {
			b.Errorf("after another hour: %v", told)
		}
		drifts := b.logged.Lines("the endpoint had drifted from the catalogue")
		if len(drifts) != 2 || !strings.Contains(drifts[1], "create=0 update=0 delete=1 unchanged=9") {
			b.Errorf("logged: %v", drifts)
		}
		b.wait(time.Hour)
		ep, err := b.service().GetEndpoint(b.Context(), "shop")
		if err != nil || ep.LastResync == nil || !ep.LastResync.Scheduled || ep.LastResync.Number != 3 ||
			ep.LastResync.Found != (api.ResyncFound{Seen: 9, Unchanged: 9}) {
			b.Errorf("the last one: %+v, %v", ep.LastResync, err)
		}
		if len(b.logged.Lines("drifted")) != 2 || len(b.received("/never")) != 0 {
			b.Error("drift was reported where there was none, or to whom never asked")
		}
	})
}

func TestANarrowResyncPutsOffNoneByTheClock(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop", `resyncEvery="1h"`)
		b.knows("x", 1, 10)
		for _, c := range []struct {
			name  string
			found int // by the one after an hour
		}{
			{"after none", 9},
			{"after one by the clock", 0},
		} {
			for range 3 {
				b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(1)}})
				b.wait(18 * time.Minute)
			}
			b.told("shop")
			b.wait(5 * time.Minute)
			if told := b.told("shop"); len(told) != c.found {
				t.Errorf("%s, within the hour: told %v, want %d", c.name, told, c.found)
			}
			ep, err := b.service().GetEndpoint(b.Context(), "shop")
			if err != nil || ep.LastResync == nil || !ep.LastResync.Scheduled {
				t.Errorf("%s, the last one: %+v, %v", c.name, ep.LastResync, err)
			}
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

func TestAResyncIsStopped(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.stop()
		b.maxBackground = 100
		b.start()
		b.receiver.AnswerStatus(503)
		b.addManaged("shop")
		b.add("plain")
		b.knows("x", 1, 2000)
		ctx, order := b.Context(), api.ResyncOrder{}
		_, err := b.service().StopResync(ctx, "shop")
		wantCode(b.T, err, api.CodeConflict)
		_, err = b.service().GetResync(ctx, "shop")
		wantCode(b.T, err, api.CodeNotFound)
		for _, name := range []string{"plain", "none"} {
			_, err = b.service().StartResync(ctx, name, order)
			wantCode(b.T, err, map[string]api.Code{"plain": api.CodeConflict, "none": api.CodeNotFound}[name])
		}
		_, err = b.service().StartResync(ctx, "shop", api.ResyncOrder{Filter: "asset."})
		wantCode(b.T, err, api.CodeInvalid)
		if _, err := b.service().StartResync(ctx, "shop", order); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Second)
		_, err = b.service().StartResync(ctx, "shop", order)
		wantCode(b.T, err, api.CodeConflict)
		stopped, err := b.service().StopResync(ctx, "shop")
		if err != nil || stopped.Phase != api.ResyncStopped || stopped.Remaining != searchPage || stopped.Error != "" {
			b.Errorf("stopped: %+v, %v", stopped, err)
		}
		_, err = b.service().StopResync(ctx, "shop")
		wantCode(b.T, err, api.CodeConflict)
		if text := fmt.Sprintf("what the last has owed stays owed, %d are left", searchPage); err == nil || !strings.Contains(err.Error(), text) {
			b.Errorf("stopped twice: %v, want %q", err, text)
		}
		b.receiver.AnswerWith(acknowledge)
		b.wait(time.Hour)
		if tracked := b.status().Endpoints[1].Tracked; tracked != searchPage {
			b.Errorf("%d tracked, want what was owed before the stop", tracked)
		}
		// One whose endpoint is removed ends with it.
		b.receiver.AnswerStatus(503)
		if _, err := b.service().StartResync(ctx, "shop", order); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Second)
		if _, err := b.service().RemoveEndpoint(ctx, "shop"); err != nil {
			b.Fatal(err)
		}
		b.wait(time.Second)
		if len(b.daemon.resyncs.running) != 0 {
			b.Error("the synchronisation of a removed endpoint goes on")
		}
	})
}
