package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestADaemonThatFallsSilentIsTakenForDead(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "{}\n{\"lost\":3}\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	var lines []Line[Event]
	for line, err := range stream[Event](t.Context(), client, "/", nil, time.Second) {
		if err != nil {
			wantError(t, err, CodeUnreachable, "nothing was heard of it")
			break
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 || lines[1].Lost != 3 {
		t.Errorf("told %+v, want two lines before", lines)
	}
}

func TestAStreamMayBreakOffWithinALine(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"item":{"id":"e1"`) })
	for _, err := range client.TailEvents(t.Context(), TailQuery{}) {
		wantError(t, err, CodeUnreachable, "gone away", "dz status")
	}
}

func TestTailAsksForWhatIsMeant(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.RequestURI() })
	for range client.TailEvents(t.Context(), TailQuery{Type: "AssetCreated", Object: "asset/1", Endpoint: "a b", Source: "spool", Last: 7}) {
		break
	}
	if got := <-asked; !strings.HasSuffix(got, "/events/stream?endpoint=a+b&last=7&object=asset%2F1&source=spool&type=AssetCreated") {
		t.Errorf("asked %s", got)
	}
}
