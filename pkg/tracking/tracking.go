// Package tracking owns what is remembered of assets that an endpoint has
// acknowledged: the integration state that it gave, to be handed back with the
// asset's next change, and a digest of what it was told, to be compared with.
//
// It is a noun: the store keeps it, the style managed decides by it.
package tracking

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// MaxState bounds the integration state of one asset, in bytes.
const MaxState = 64 << 10

// Digest tells what was shown of an asset: two that are equal were shown the
// same, as far as it matters. Its zero value is that of nothing.
type Digest [16]byte

// State is an integration state: text of the endpoint's own, which is a string of
// JSON on the wire. Not every endpoint keeps one.
type State struct {
	Text  string
	Given bool
}

// Hash returns the lower-case hex SHA-256 of the state; "" without one.
func (s State) Hash() string {
	return string(s.AppendHash(make([]byte, 0, 2*sha256.Size)))
}

// AppendHash appends what Hash returns; nothing without a state. With room for the state
// in buf it needs no other memory.
func (s State) AppendHash(buf []byte) []byte {
	if !s.Given {
		return buf
	}
	end := len(buf)
	buf = append(buf, s.Text...) // to be hashed where it is written over
	sum := sha256.Sum256(buf[end:])
	return hex.AppendEncode(buf[:end], sum[:])
}

// Asset is one that an endpoint has acknowledged.
type Asset struct {
	ID       event.ID // the base id
	State    State
	Digest   Digest    // of what was acknowledged last; that of nothing if it is not known
	Print    uint64    // of its bytes, and of what makes a digest of them; 0 if it is not known
	First    time.Time // when it was first acknowledged
	Synced   time.Time // when it was last acknowledged
	Syncs    uint64    // how often it was acknowledged
	Attempts uint64    // that were made at it, acknowledged or not
}

// Acknowledgement is what an answer means for one asset.
type Acknowledgement struct {
	ID     event.ID
	Delete bool // the endpoint has forgotten the asset; the rest means nothing
	State  State
	Digest Digest
	Print  uint64 // as in Asset
}

// After returns what is tracked after an acknowledgement that arrived at now and
// took so many attempts.
func (a Asset) After(ack Acknowledgement, attempts uint64, now time.Time) Asset {
	if a.First.IsZero() {
		a.First = now
	}
	a.ID, a.State, a.Digest, a.Print, a.Synced = ack.ID, ack.State, ack.Digest, ack.Print, now
	a.Syncs++
	a.Attempts += attempts
	return a
}
