package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// shopPath is where the receiver takes the requests of a managed integration.
const shopPath = "/shop"

// shop is a managed integration that answers properly: it gives each asset a state,
// and wants it back with the asset's next change.
type shop struct {
	mu       sync.Mutex
	turns    map[string]uint64 // how often each asset was synchronised, by its id
	seen     map[string]bool   // in this round
	round    shopTally
	judges   bool          // else it takes whatever comes, with the same work, and forgets it
	reads    bool          // it reads every asset, as one does that keeps what it shows
	captured *bufio.Writer // nil: nothing is to be kept
	file     *os.File
}

// shopTally is what has come since the round began.
type shopTally struct {
	Requests int64    `json:"requests"`
	Distinct int64    `json:"distinct"` // assets
	Repeated int64    `json:"repeated"` // actions beyond the first of an asset
	Largest  int64    `json:"largest"`  // actions of a request
	Last     int64    `json:"last"`     // when the last action came, in Unix nanoseconds
	Faults   []string `json:"faults"`   // the first of them
	Wrong    int64    `json:"wrong"`    // how many there were
	Holds    int64    `json:"holds"`    // assets
}

func newShop() *shop { return &shop{turns: make(map[string]uint64), seen: make(map[string]bool)} }

// stateOf is the state that an asset has after so many turns.
func stateOf(dst []byte, id string, turn uint64) []byte {
	return fmt.Appendf(dst, `{"row": %s, "revision": %d, "by": "shop"}`, id, turn)
}

// action is one of a request.
type action struct {
	Type             string          `json:"type"`
	Asset            json.RawMessage `json:"asset"`
	IntegrationState *string         `json:"integrationState"`
	AssetStateHash   *string         `json:"assetStateHash"`
	AssetID          json.RawMessage `json:"assetId"`
}

// ServeHTTP does what a request says, and answers with the new states.
func (s *shop) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body := bytes.NewBuffer(make([]byte, 0, max(request.ContentLength, 0)+bytes.MinRead))
	if _, err := body.ReadFrom(request.Body); err != nil {
		return // the sender has gone
	}
	now := time.Now().UnixNano()
	var asked struct {
		Actions []action `json:"actions"`
	}
	err := json.Unmarshal(body.Bytes(), &asked)
	s.mu.Lock()
	reads := s.reads
	s.mu.Unlock()
	if reads && err == nil {
		err = readAssets(asked.Actions)
	}
	s.mu.Lock()
	answer := s.take(asked.Actions)
	s.round.Requests++
	s.round.Last = now
	if s.captured != nil && err == nil {
		err = capture(s.captured, body.Bytes())
	}
	if err != nil {
		s.fault("%v", err)
	}
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	if _, err := w.Write(answer); err != nil {
		return // the sender has gone
	}
}

// readAssets decodes the assets of a request.
func readAssets(actions []action) error {
	for i := range actions {
		var asset map[string]any
		if err := json.Unmarshal(actions[i].Asset, &asset); err != nil {
			return fmt.Errorf("asset %s: %w", actions[i].AssetID, err)
		}
	}
	return nil
}

// take does what the actions say. The caller holds the lock.
func (s *shop) take(actions []action) (answer []byte) {
	answer = append(make([]byte, 0, 128*len(actions)), `{"Items":[`...)
	var state []byte
	for i, a := range actions {
		id := string(a.AssetID)
		s.check(&a, id)
		if s.seen[id] {
			s.round.Repeated++
		}
		s.seen[id] = true
		before, known := s.turns[id]
		turn := before + 1
		switch {
		case s.judges:
			s.turns[id] = turn
		case known:
			s.turns[id] = before // the same work
		}
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = append(append(answer, `{"AssetId":`...), id...)
		state = stateOf(state[:0], id, turn)
		answer = append(rawjson.AppendString(append(answer, `,"IntegrationState":`...), state), '}')
	}
	s.round.Largest = max(s.round.Largest, int64(len(actions)))
	s.round.Distinct = int64(len(s.seen))
	return append(answer, `]}`...)
}

// check holds what comes with an asset to what was given.
func (s *shop) check(a *action, id string) {
	turn, known := s.turns[id]
	var wanted, hash string
	if known {
		wanted = string(stateOf(nil, id, turn))
		sum := sha256.Sum256([]byte(wanted))
		hash = hex.EncodeToString(sum[:])
	}
	for _, of := range []struct {
		name   string
		got    *string
		wanted string
	}{{"state", a.IntegrationState, wanted}, {"hash", a.AssetStateHash, hash}} {
		switch {
		case known && of.got == nil && s.judges:
			s.fault("asset %s comes without its %s, %s", id, of.name, of.wanted)
		case of.got != nil && (!known || *of.got != of.wanted) && s.judges:
			s.fault("asset %s comes with the %s %s, and its own is %q", id, of.name, *of.got, of.wanted)
		}
	}
	if (a.Type != "sync" || len(a.Asset) == 0 || a.Asset[0] != '{') && s.judges {
		s.fault("asset %s comes with the action %q and %.20s as its data", id, a.Type, a.Asset)
	}
}

func (s *shop) fault(format string, args ...any) {
	const most = 5
	s.round.Wrong++
	if s.round.Wrong <= most {
		s.round.Faults = append(s.round.Faults, fmt.Sprintf(format, args...))
	}
}

// begin begins a round. With a path, it keeps the requests of the round there.
func (s *shop) begin(judges, reads bool, path string) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.captured != nil {
		err = errors.Join(s.captured.Flush(), s.file.Close())
		s.captured, s.file = nil, nil
	}
	if err == nil && path != "" {
		if s.file, err = os.Create(path); err == nil {
			s.captured = bufio.NewWriterSize(s.file, 1<<20)
		}
	}
	s.judges, s.reads, s.round = judges, reads, shopTally{}
	clear(s.seen)
	return err
}

func (s *shop) tally() shopTally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.round
	t.Holds = int64(len(s.turns))
	return t
}

// capture appends a body to those that are kept: its length in 4 bytes, big-endian,
// and the body.
func capture(w io.Writer, body []byte) error {
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(body))))
	if err == nil {
		_, err = w.Write(body)
	}
	return err
}

// readCaptured returns the bodies of a file that capture has written.
func readCaptured(path string) (bodies [][]byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for len(text) > 0 {
		if len(text) < 4 || len(text)-4 < int(binary.BigEndian.Uint32(text)) {
			return nil, fmt.Errorf("%s breaks off", path)
		}
		end := 4 + int(binary.BigEndian.Uint32(text))
		bodies = append(bodies, text[4:end])
		text = text[end:]
	}
	return bodies, nil
}

// control adds what the bench asks of the shop.
func (s *shop) control(mux *http.ServeMux) {
	mux.HandleFunc("POST /shop/round", func(w http.ResponseWriter, request *http.Request) {
		query := request.URL.Query()
		if err := s.begin(query.Get("judges") == "true", query.Get("reads") == "true", query.Get("capture")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /shop/tally", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(s.tally()); err != nil {
			return // whoever asked has gone
		}
	})
}
