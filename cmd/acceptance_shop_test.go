package cmd_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// article is what a shop keeps of an asset.
type article struct {
	state string // that the shop gave last
	data  digest // of what matters in it
}

// shop is a managed integration. It keeps a set of its own, and gives every asset a
// state, a new one each time.
type shop struct {
	mu       sync.Mutex
	has      map[string]article
	given    int
	requests int
	created  int
	updated  int
	deleted  int
	most     int // actions in a request
	faults   []string
}

// action is one of a request, with the members it must have.
type action struct {
	Type             string          `json:"type"`
	Asset            json.RawMessage `json:"asset"`
	IntegrationState *string         `json:"integrationState"`
	AssetStateHash   *string         `json:"assetStateHash"`
	AssetID          json.Number     `json:"assetId"`
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Actions       []action        `json:"actions"`
		Configuration json.RawMessage `json:"configuration"`
		TenantID      string          `json:"tenantId"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&asked)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.most = max(s.most, len(asked.Actions))
	if _, more := d.Token(); err != nil || more != io.EOF {
		s.fault("a request that is none: %v", err)
		return
	}
	type item struct {
		AssetID          json.Number `json:"AssetId"`
		IntegrationState string      `json:"IntegrationState"`
	}
	items := make([]item, 0, len(asked.Actions))
	seen := make(map[json.Number]bool, len(asked.Actions))
	for _, a := range asked.Actions {
		if seen[a.AssetID] {
			s.fault("asset %s is told twice in a request", a.AssetID)
		}
		seen[a.AssetID] = true
		items = append(items, item{a.AssetID, s.take(a)})
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"Items": items}); err != nil {
		s.fault("the answer did not reach dz: %v", err)
	}
}

// take does what an action says, and returns the asset's new state.
func (s *shop) take(a action) (state string) {
	id := a.AssetID.String()
	known, has := s.has[id]
	switch {
	case !has && (a.IntegrationState != nil || a.AssetStateHash != nil):
		s.fault("asset %s comes with the state %v, and there is no such asset", id, a.IntegrationState)
	case has && (a.IntegrationState == nil || *a.IntegrationState != known.state):
		s.fault("asset %s comes with the state %v, and was given %q", id, a.IntegrationState, known.state)
	case has && (a.AssetStateHash == nil || *a.AssetStateHash != hashOf(known.state)):
		s.fault("asset %s comes with the hash %v of %q", id, a.AssetStateHash, known.state)
	}
	if a.Type == "delete" {
		if !has || string(a.Asset) != "null" {
			s.fault("asset %s is to be deleted; it is there: %v; its data: %.80s", id, has, a.Asset)
		}
		s.deleted++
		delete(s.has, id)
		return ""
	}
	if a.Type != "sync" {
		s.fault("asset %s has an action %q", id, a.Type)
	}
	if has {
		s.updated++
	} else {
		s.created++
	}
	s.given++
	state = fmt.Sprintf(`{"id": %s, "turn": %d, "name": "\"Ätna\" \\ </script>\u2028"}`, id, s.given)
	s.has[id] = article{state, significant(a.Asset)}
	return state
}

func (s *shop) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

func hashOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}

// asked counts the requests so far.
func (s *shop) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// fieldsOfShop are the metadata fields that the shop asks for.
func fieldsOfShop() []string { return []string{"tags", "keywords", "duration"} }

// significant is a digest of what an endpoint that asks for these fields is to have
// of an asset: all but URLs, which come and go.
func significant(asset json.RawMessage) digest {
	var a struct {
		AssetID     json.Number                `json:"assetId"`
		ItemID      json.Number                `json:"itemId"`
		Title       json.RawMessage            `json:"title"`
		Description json.RawMessage            `json:"description"`
		AssetType   json.Number                `json:"assetType"`
		Metadata    map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(asset, &a); err != nil {
		return digest{}
	}
	maps.DeleteFunc(a.Metadata, func(name string, _ json.RawMessage) bool { return !slices.Contains(fieldsOfShop(), name) })
	text, err := json.Marshal(a) // names in order
	if err != nil {
		return digest{}
	}
	return sha256.Sum256(text)
}

// check reports what went wrong at the shop.
func (s *shop) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults[:min(10, len(s.faults))] {
		t.Errorf("at the shop: %s", fault)
	}
	t.Logf("%d requests of at most %d actions: %d creates, %d updates, %d deletes", s.requests, s.most, s.created, s.updated, s.deleted)
}

// holds returns the ids that the shop has.
func (s *shop) holds() map[string]article {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.has)
}
