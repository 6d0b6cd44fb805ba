package admin

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestEventsAreStreamed(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.tailed = []api.Event{{ID: "e1"}, {ID: "e2"}}
	server := run(t, service, alone())
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	query := api.TailQuery{Type: "AssetExternalProcessingFinished", Object: "asset/1", Endpoint: "shop", Source: "spool", Last: 3}
	for line, err := range server.TailEvents(ctx, query) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			break
		}
		if line.Item == nil {
			continue
		}
		if got = append(got, line.Item.ID); len(got) == 2 {
			cancel() // the lines came while the answer was under way
		}
	}
	cancel()
	query.Type = "AssetExternalProccessingFinished"
	service.mu.Lock()
	defer service.mu.Unlock()
	if len(got) != 2 || service.asked != query {
		t.Errorf("told %q when asked for %+v", got, service.asked)
	}
}

func TestAttemptsAreStreamed(t *testing.T) {
	t.Parallel()
	server := start(t)
	if _, err := server.CreateEndpoint(t.Context(), newShop()); err != nil {
		t.Fatal(err)
	}
	for line, err := range server.WatchEndpoint(t.Context(), "shop") {
		if err != nil {
			t.Fatal(err)
		}
		if line.Item != nil {
			if line.Item.Endpoint != "shop" || line.Item.Verdict != "delivered" {
				t.Errorf("told %+v", line.Item)
			}
			break
		}
	}
}

// What is wrong with a request for a stream is told as of any other.
func TestAStreamThatCanNotBegin(t *testing.T) {
	t.Parallel()
	server := start(t)
	for _, err := range server.WatchEndpoint(t.Context(), "nobody") {
		wantError(t, err, api.CodeNotFound, "nobody")
	}
	for _, err := range server.TailEvents(t.Context(), api.TailQuery{Type: "AssetCreatd"}) {
		wantError(t, err, api.CodeInvalid, "AssetCreated")
	}
	for _, err := range server.TailEvents(t.Context(), api.TailQuery{Last: api.MaxLimit + 1}) {
		wantError(t, err, api.CodeInvalid, "last")
	}
}

// A stream has no end of its own that a stop could wait for.
func TestStoppingEndsStreams(t *testing.T) {
	t.Parallel()
	service, log := newFake(), &logBuffer{}
	patient := newLoggingServer(t, service, alone(), log)
	patient.grace = time.Hour
	server := runServer(t, patient, service, log)
	ended := make(chan error, 1)
	began := make(chan struct{}, 1)
	go func() {
		for _, err := range server.TailEvents(t.Context(), api.TailQuery{}) {
			if err != nil {
				ended <- err
				return
			}
			began <- struct{}{}
		}
	}()
	<-began
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	wantError(t, <-ended, api.CodeUnreachable, "has stopped")
	if text := log.String(); text != "" {
		t.Errorf("stopping is logged: %s", text)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	server := start(t)
	got, err := server.Explain(t.Context(), "asset/1", "shop")
	if err != nil {
		t.Fatal(err)
	}
	if asked := [2]string{got.Object, got.Endpoints[0].Endpoint}; asked != [2]string{"asset/1", "shop"} {
		t.Errorf("asked for %q", asked)
	}
	if got.Recent == nil || got.Endpoints[0].Steps == nil || got.Endpoints[0].Owed == nil {
		t.Errorf("a list is null in %+v", got)
	}
	_, err = server.Explain(t.Context(), "", "")
	wantError(t, err, api.CodeInvalid, "of")
}
