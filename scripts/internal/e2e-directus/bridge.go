package main

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// What a Flow of Directus 11 is triggered by: the events of files.
const (
	uploaded = "files.upload" // also if a file gets another content
	updated  = "files.update"
	deleted  = "files.delete"
)

const (
	// bridgeHeader has the secret that the Flow knows: a Flow signs nothing.
	bridgeHeader = "X-Bridge-Secret"
	// maxHook is longer than what any Flow sends here, in bytes.
	maxHook = 1 << 20
)

// hook is what a Flow sends if its request's body is {{$trigger}}
// (https://docs.directus.io/guides/automate/triggers). An upload has a key, the
// others have keys. The payload of an update is what was changed.
type hook struct {
	Event   string          `json:"event"`
	Key     string          `json:"key"`
	Keys    []string        `json:"keys"`
	Payload json.RawMessage `json:"payload"`
}

// bridge turns what Flows send into events, which it appends to the file that dz
// reads.
type bridge struct {
	secret string
	now    func() time.Time

	mu      sync.Mutex
	spool   io.Writer
	known   map[string]bool // files that were uploaded
	written uint64
	seen    map[sighting]int
	err     error
}

// sighting is a kind of event about a file.
type sighting struct{ event, id string }

func newBridge(spool *os.File, secret string) *bridge {
	return &bridge{secret: secret, now: time.Now, spool: spool, known: make(map[string]bool), seen: make(map[sighting]int)}
}

// ServeHTTP takes what a Flow sends.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(bridgeHeader)), []byte(b.secret)) != 1 {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err == nil {
		err = b.take(text)
	}
	if err != nil {
		b.fail(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *bridge) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errors.Join(b.err, fmt.Errorf("bridge: %w", err))
}

// damEvent is an event as dz reads it.
type damEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`
	Data        damData   `json:"data"`
}

type damData struct {
	ItemID        string   `json:"itemId"`
	BaseID        string   `json:"baseId"`
	ChangedFields []string `json:"changedFields,omitempty"`
}

// take writes the events of a hook, one for each of its files.
func (b *bridge) take(text []byte) error {
	var h hook
	if err := json.Unmarshal(text, &h); err != nil {
		return fmt.Errorf("read a hook: %w", err)
	}
	ids := h.Keys
	if h.Key != "" {
		ids = []string{h.Key}
	}
	if len(ids) == 0 {
		return fmt.Errorf("a hook of %q names no file", h.Event)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []byte
	for i, id := range ids {
		kind, err := b.kind(h.Event, id)
		if err != nil {
			return err
		}
		line, err := json.Marshal(damEvent{
			SpecVersion: "1.0", ID: fmt.Sprint("hook-", b.written+uint64(i)+1), Source: "/directus", Type: kind, Time: b.now(),
			Data: damData{ItemID: id, BaseID: id, ChangedFields: changed(h)},
		})
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := b.spool.Write(lines); err != nil {
		return err
	}
	b.written += uint64(len(ids))
	for _, id := range ids {
		b.seen[sighting{h.Event, id}]++
		b.known[id] = h.Event != deleted && (b.known[id] || h.Event == uploaded)
	}
	return nil
}

// kind is dz's type of an event.
func (b *bridge) kind(event, id string) (string, error) {
	switch {
	case event == uploaded && b.known[id]:
		return "AssetUploadFinished", nil
	case event == uploaded:
		return "AssetCreated", nil
	case event == updated:
		return "AssetMetadataUpdated", nil
	case event == deleted:
		return "AssetDeleted", nil
	default:
		return "", fmt.Errorf("a hook of %q, which it was not to be told of", event)
	}
}

// changed returns the members that an update says it has changed, sorted. Where
// it can't be told which fields those are, dz compares: an upload is about the
// content, the update that follows one names nothing, and metadata is written
// whole whichever of its fields has changed.
func changed(h hook) []string {
	if h.Event != updated {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(h.Payload, &members) != nil || members["metadata"] != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(members))
}

// told is what a bridge was told so far.
type told struct {
	written uint64 // events
	seen    map[sighting]int
	err     error // all that there were
}

func (b *bridge) state() told {
	b.mu.Lock()
	defer b.mu.Unlock()
	return told{b.written, maps.Clone(b.seen), b.err}
}
