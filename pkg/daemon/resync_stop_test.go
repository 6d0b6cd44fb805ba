package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/store"
)

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

// fullForJobs is a store that has no room for what jobs keep, for a while.
type fullForJobs struct {
	store.Engine
	full atomic.Bool
}

func (f *fullForJobs) Owe(ctx context.Context, o store.Owing) (store.Ingested, error) {
	if f.full.Load() {
		return store.Ingested{}, fmt.Errorf("owe: %w", store.ErrFull)
	}
	return f.Engine.Owe(ctx, o)
}

// A job that was stopped stays so, also if the store could not take that at once; and
// whoever stops it is told.
func TestAJobIsStoppedAsSoonAsTheStoreHasRoomForThat(t *testing.T) {
	s := &fullForJobs{}
	small := func(b *bubble) {
		b.maxBackground = 100
		b.wrap = func(e store.Engine) store.Engine { s.Engine = e; return s }
	}
	inBubbleWith(t, small, func(b *bubble) {
		k := b.keeping(silent)
		b.addManaged("shop")
		b.knows("a", 1, 3000)
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			t.Fatal(err)
		}
		b.wait(10 * time.Second)
		s.full.Store(true)
		for range 2 {
			_, err := b.service().StopResync(b.Context(), "shop")
			wantCode(t, err, api.CodeFull)
		}
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err == nil {
			t.Error("another one begins before that is durable")
		}
		s.full.Store(false)
		b.wait(10 * time.Second)
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Phase != api.ResyncStopped {
			t.Errorf("with room again it is %s, %v", state.Phase, err)
		}
		b.stop()
		b.start()
		k.answers(acknowledge)
		b.wait(time.Hour)
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncStopped || k.count() >= 3000 {
			t.Errorf("after a restart it is %s, and %d assets are told; %v", state.Phase, k.count(), err)
		}
		if _, err := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{}); err != nil {
			t.Errorf("another one: %v", err)
		}
	})
}

// slowToForget is a store that forgets only once it may.
type slowToForget struct {
	store.Engine
	may chan struct{}
}

func (s *slowToForget) ResetTracked(ctx context.Context, id uint64) (uint64, error) {
	<-s.may
	return s.Engine.ResetTracked(ctx, id)
}

// A reset keeps synchronisations from beginning, and is not taken for one.
func TestAResetUnderWayIsNoSynchronisation(t *testing.T) {
	s := &slowToForget{}
	slow := func(b *bubble) {
		s.may = make(chan struct{})
		b.wrap = func(e store.Engine) store.Engine { s.Engine = e; return s }
	}
	inBubbleWith(t, slow, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 100)
		b.resync("shop", api.ResyncOrder{})
		reset := make(chan error, 1)
		go func() {
			_, err := b.service().ResetTracked(b.Context(), "shop")
			reset <- err
		}()
		b.wait(time.Second)
		_, stopErr := b.service().StopResync(b.Context(), "shop")
		_, startErr := b.service().StartResync(b.Context(), "shop", api.ResyncOrder{})
		_, resetErr := b.service().ResetTracked(b.Context(), "shop")
		for what, err := range map[string]error{"stop": stopErr, "start": startErr, "reset": resetErr} {
			wantCode(t, err, api.CodeConflict)
			if strings.Contains(err.Error(), "a synchronisation of shop is running") {
				t.Errorf("%s: %v", what, err)
			}
		}
		close(s.may)
		if err := <-reset; err != nil || b.tracked("shop") != 0 {
			t.Errorf("the reset: %v, %d are tracked", err, b.tracked("shop"))
		}
		if found := b.resync("shop", api.ResyncOrder{}); found.Create != 100 {
			t.Errorf("after it: %+v", found)
		}
	})
}
