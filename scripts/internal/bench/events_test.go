package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

func TestEveryObjectIsInEveryRoundOnce(t *testing.T) {
	t.Parallel()
	const objects, rounds = 50, 3
	path := filepath.Join(t.TempDir(), "draft", "events.ndjson")
	if err := newWriter().write(path, rounds*objects, objects); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) != rounds*objects {
		t.Fatalf("%d lines, want %d", len(lines), rounds*objects)
	}
	ids := make(map[string]bool)
	for round := range rounds {
		items := make(map[string]bool)
		for _, line := range lines[round*objects : (round+1)*objects] {
			if len(line) != eventBytes {
				t.Fatalf("a line of %d bytes, want %d: %s", len(line), eventBytes, line)
			}
			e, err := event.Decode(line)
			if err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			ids[e.ID] = true
			items[e.Object.ItemID.String()] = true
		}
		if len(items) != objects {
			t.Errorf("round %d is about %d objects, want %d", round, len(items), objects)
		}
	}
	if len(ids) != rounds*objects {
		t.Errorf("%d ids of events, want %d", len(ids), rounds*objects)
	}
}
