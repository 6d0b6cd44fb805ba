package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
)

// maxBatch is how many actions dz is told to put into a request.
const maxBatch = 50

// held is an asset as the receiver keeps it.
type held struct {
	file
	sum   string // hex SHA-256 of the content, which the receiver has fetched itself
	state string // that it has answered with
}

// receiver is a managed integration that keeps its own set of assets. It knows
// nothing of Directus but what dz tells it, and where contents lie.
type receiver struct {
	contents directus // read with the rights of dz's user

	mu       sync.Mutex
	assets   map[string]held
	made     int // assets so far: the names in its own system
	requests int
	syncs    map[string]int // by id
	deletes  map[string]int
	down     bool
	refused  int
	faults   []string
}

func newReceiver(contents directus) *receiver {
	return &receiver{contents: contents, assets: make(map[string]held), syncs: make(map[string]int), deletes: make(map[string]int)}
}

// What a request to a managed integration is made of.
type (
	request struct {
		Actions []action `json:"actions"`
	}
	action struct {
		Type      string          `json:"type"`
		Asset     json.RawMessage `json:"asset"`
		State     *string         `json:"integrationState"`
		StateHash *string         `json:"assetStateHash"`
		AssetID   string          `json:"assetId"`
	}
	item struct {
		AssetID          string `json:"AssetId"`
		IntegrationState string `json:"IntegrationState"`
	}
)

// ServeHTTP takes what dz sends.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxAnswer))
	if err != nil {
		return // dz has ended, or hung up
	}
	if r.isDown() {
		http.Error(w, "closed for stocktaking", http.StatusServiceUnavailable)
		return
	}
	var told request
	if err := json.Unmarshal(text, &told); err != nil || len(told.Actions) == 0 || len(told.Actions) > maxBatch {
		r.fault("a request of %d actions, %v: %.200s", len(told.Actions), err, text)
		http.Error(w, "what is this?", http.StatusBadRequest)
		return
	}
	var answer struct {
		Items []item `json:"Items"`
	}
	for _, a := range told.Actions {
		state, err := r.act(req.Context(), a)
		if err != nil {
			r.fault("%s of %s: %v", a.Type, a.AssetID, err)
			continue // without an item it counts as failed
		}
		answer.Items = append(answer.Items, item{a.AssetID, state})
	}
	r.mu.Lock()
	r.requests++
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // dz sees if it is cut off
}

// act does what an action says, and returns the asset's state from now on.
func (r *receiver) act(ctx context.Context, a action) (string, error) {
	if err := r.checkState(a); err != nil {
		return "", err
	}
	if a.Type == "delete" {
		return r.forget(a)
	}
	var f file
	if a.Type != "sync" {
		return "", errors.New("an action that it does not know")
	}
	if err := json.Unmarshal(a.Asset, &f); err != nil {
		return "", fmt.Errorf("read the asset: %w", err)
	}
	if f.ID != a.AssetID {
		return "", fmt.Errorf("its asset is %q", f.ID)
	}
	content, err := r.contents.content(ctx, f.ID)
	if err != nil && ctx.Err() == nil {
		// It may have been hidden or deleted meanwhile: then dz will say so.
		content = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.assets[f.ID]
	if kept.state == "" {
		r.made++
		kept.state = fmt.Sprintf(`{"article":"P-%04d","version":0}`, r.made)
	}
	kept.file, kept.sum, kept.state = f, sum(content), nextVersion(kept.state)
	r.assets[f.ID] = kept
	r.syncs[f.ID]++
	return kept.state, nil
}

// forget deletes an asset.
func (r *receiver) forget(a action) (string, error) {
	if asset := string(a.Asset); asset != "null" {
		return "", fmt.Errorf("a deletion with an asset: %.200s", asset)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, ok := r.assets[a.AssetID]
	if !ok {
		return "", errors.New("a deletion of what was never synchronised")
	}
	delete(r.assets, a.AssetID)
	r.deletes[a.AssetID]++
	return kept.state, nil
}

// checkState holds dz to what the receiver has answered.
func (r *receiver) checkState(a action) error {
	r.mu.Lock()
	kept, tracked := r.assets[a.AssetID]
	r.mu.Unlock()
	switch {
	case !tracked && (a.State != nil || a.StateHash != nil):
		return fmt.Errorf("a state %v, and it was never synchronised", a.State)
	case !tracked:
		return nil
	case a.State == nil || *a.State != kept.state:
		return fmt.Errorf("its state is %v, want %s", a.State, kept.state)
	case a.StateHash == nil || *a.StateHash != sum([]byte(kept.state)):
		return fmt.Errorf("the hash of its state is %v", a.StateHash)
	default:
		return nil
	}
}

// nextVersion counts the version in a state up.
func nextVersion(state string) string {
	var s struct {
		Article string `json:"article"`
		Version int    `json:"version"`
	}
	_ = json.Unmarshal([]byte(state), &s) // it is the receiver's own
	return fmt.Sprintf(`{"article":%q,"version":%d}`, s.Article, s.Version+1)
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

func (r *receiver) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// isDown reports whether it is, and counts who asks.
func (r *receiver) isDown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		r.refused++
	}
	return r.down
}

// setDown has the receiver refuse everything, or take it again.
func (r *receiver) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// tally is what has come so far.
type tally struct {
	requests, refused int
	syncs, deletes    map[string]int // by id
	assets            map[string]held
	faults            []string
}

func (r *receiver) tally() tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return tally{
		requests: r.requests, refused: r.refused, syncs: maps.Clone(r.syncs), deletes: maps.Clone(r.deletes),
		assets: maps.Clone(r.assets), faults: append([]string(nil), r.faults...),
	}
}
