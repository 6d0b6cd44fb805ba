package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/route"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// shelf is a store that only takes events in, and notes how.
type shelf struct {
	events, changes int // so far, and at most at a time
	without         int // batches without a position
	full            chan struct{}
	want            int
}

func (s *shelf) Positions(context.Context, string) ([]source.Position, error) { return nil, nil }

func (s *shelf) Ingest(_ context.Context, in store.Ingest) (store.Ingested, error) {
	s.events += len(in.Events)
	s.changes = max(s.changes, len(in.Changes))
	if len(in.Events) > 0 && len(in.Positions) == 0 {
		s.without++
	}
	if s.events == s.want {
		close(s.full)
	}
	return store.Ingested{}, nil
}

// A process that ended between two parts of a batch would take the first one in
// again, and tell what it has told.
func TestWhatASourceReadsIsTakenInWithItsPosition(t *testing.T) {
	t.Parallel()
	const endpoints, events = 100, 3000
	var routes []*route.Route
	for id := range uint64(endpoints) {
		ep := endpoint.Endpoint{ID: id + 1, Style: notify.Name, Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges}}
		r, err := route.New(&ep, notify.Style{}, endpoint.DefaultWindow())
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, r)
	}
	s := &shelf{full: make(chan struct{}), want: events}
	registry := newRegistry(nil, nil, endpoint.DefaultWindow(), slog.New(slog.DiscardHandler), nil)
	registry.table.Store(route.NewTable(0, routes))
	in := &intake{store: s, registry: registry, now: time.Now, log: slog.New(slog.DiscardHandler)}

	path := filepath.Join(t.TempDir(), "events.ndjson")
	line := `{"id":"1","source":"/dam","type":"AssetCreated","data":{"itemId":7}}` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, events)), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := openSource(config.Source{Name: "spool", Type: "file", Path: path}, nil, in.room)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	f := &feed{name: "spool", source: src, done: make(chan struct{})}
	go f.run(ctx, in)
	<-s.full
	stop()
	<-f.done
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if s.without != 0 {
		t.Errorf("%d batches were taken in without a position", s.without)
	}
	if s.changes > maxChanges || s.changes < maxChanges/2 {
		t.Errorf("%d changes at a time, want nearly %d", s.changes, maxChanges)
	}
}
