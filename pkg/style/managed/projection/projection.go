// Package projection owns what a managed integration sees of an asset: the
// object that is sent, and which part of it decides whether there is news.
//
// Sent is the full asset object with just the metadata fields that the endpoint
// asked for. What decides is less: members that change by themselves, such as
// URLs that expire, are sent and decide nothing. Everything here is a function
// of JSON text; what was sent before, and to whom, is not its business.
package projection

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// Projection is what one endpoint asked for. It may be used by several
// goroutines at a time.
type Projection struct {
	fields   metadata.Names
	ignore   ignored
	seed     uint64                                        // of prints
	leaveOut func(path [][]byte, value rawjson.Value) bool // leavesOut, made a function once
}

// New returns the projection on additional metadata fields, by their names,
// guids or ids, that ignores members whose names match one of the patterns
// (path.Match) where it is decided whether an asset changed. All names are
// compared without regard to case. The error says which pattern is none.
func New(fields, ignore []string) (*Projection, error) {
	patterns, err := newIgnored(ignore)
	if err != nil {
		return nil, err
	}
	p := &Projection{fields: metadata.NewNames(fields...), ignore: patterns, seed: seedOf(fields, ignore)}
	p.leaveOut = p.leavesOut
	return p, nil
}

// Asset returns the object that is sent: data, a JSON object, with all members
// as they are written and in their order, but of its metadata (package metadata
// says where that lies) just the fields that were asked for. The result may be a
// part of data. Of an asset without data it is what is known, its ids.
//
// That data is JSON was checked by whoever took it in, and is not checked again:
// Hash checks what is sent, which may be far less.
func (p *Projection) Asset(data json.RawMessage, id, itemID event.ID) (json.RawMessage, error) {
	if len(data) == 0 {
		return bare(id, itemID), nil
	}
	object := rawjson.Known(data)
	if len(object) == 0 || object[0] != '{' {
		return nil, errors.New("the asset's data is no JSON object")
	}
	buf := buffer()
	out := (*buf)[:0]
	rest := 0 // of the object, where what was not yet appended begins
	for m := range object.Members {
		if !metadata.IsContainer(m.Name) {
			continue
		}
		end := len(out)
		out = append(out, object[rest:m.At]...)
		begin := len(out)
		if out = metadata.Select(out, m.Value, p.fields); bytes.Equal(out[begin:], m.Value) {
			out = out[:end] // nothing is left out
			continue
		}
		rest = m.At + len(m.Value)
	}
	if rest == 0 {
		release(buf, out)
		return json.RawMessage(object), nil
	}
	out = append(out, object[rest:]...)
	sent := bytes.Clone(out) // which may be far less than data
	release(buf, out)
	return sent, nil
}

// bare is what is known of an asset without data.
func bare(id, itemID event.ID) json.RawMessage {
	out := append([]byte(`{"assetId":`), id.JSON()...)
	if !itemID.IsZero() {
		out = append(append(out, `,"itemId":`...), itemID.JSON()...)
	}
	return append(out, '}')
}

// digestSize is the length of a digest: half of SHA-256 is far more than one
// endpoint has assets to tell apart.
const digestSize = 16

// buffers are kept for the next calls.
var buffers sync.Pool // of *[]byte

// maxPooled bounds a buffer that is kept, in bytes.
const maxPooled = 64 << 10

func buffer() *[]byte {
	if buf, ok := buffers.Get().(*[]byte); ok {
		return buf
	}
	return new([]byte)
}

// release keeps what a buffer has become, if it is not too large.
func release(buf *[]byte, text []byte) {
	if cap(text) <= maxPooled {
		*buf = text
		buffers.Put(buf)
	}
}

// Hash returns a digest of what decides of an object that is sent: the same for
// objects that differ in nothing but the order of members, white space and
// members that are ignored. Those are ignored at every depth; only a metadata
// field that was asked for by its name counts whatever its name is. Metadata of
// which nothing is sent is as good as none.
func (p *Projection) Hash(sent json.RawMessage) ([digestSize]byte, error) {
	buf := buffer()
	canonical, err := rawjson.AppendCanonical((*buf)[:0], sent, p.leaveOut)
	sum := sha256.Sum256(canonical)
	release(buf, canonical)
	if err != nil {
		return [digestSize]byte{}, fmt.Errorf("hash what is sent: %w", err)
	}
	return [digestSize]byte(sum[:digestSize]), nil
}

// leavesOut reports whether a member decides nothing.
func (p *Projection) leavesOut(path [][]byte, value rawjson.Value) bool {
	name := path[len(path)-1]
	if len(path) == 1 && metadata.IsContainer(name) {
		switch string(value) {
		case "null", "{}", "[]":
			return true
		}
	}
	if len(path) == 2 && metadata.IsContainer(path[0]) && p.fields.Has(name) {
		return false
	}
	return p.ignore.match(name)
}
