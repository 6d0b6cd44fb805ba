package bolt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/dam-delivery/dz/pkg/store"
)

// Recent events are kept in chunks, one a batch: a header, then the events
// compressed together. A chunk is
//
//	version(1) flags(1) received(varint, Unix ns) count(uvarint) source(string)
//	then, compressed if flagged, count times: line(string)
const (
	chunkVersion    = 1
	chunkCompressed = 1
	// minCompressed is the size from which compressing pays, in bytes.
	minCompressed = 512
	// maxChunk bounds a chunk's uncompressed size when it is read, in bytes.
	maxChunk = 256 << 20
)

// chunkCoder compresses and decompresses chunks, and what is known of assets; it is
// safe for several goroutines.
type chunkCoder struct {
	encoder *zstd.Encoder
	// packer leaves the tables out that zstd would make for every asset: they cost
	// more time than all the rest, at each reading again, and save a quarter.
	packer  *zstd.Encoder
	decoder *zstd.Decoder
}

func newChunkCoder() (*chunkCoder, error) {
	options := []zstd.EOption{
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(256 << 10), zstd.WithLowerEncoderMem(true),
	}
	encoder, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	packer, err := zstd.NewWriter(nil, append(options, zstd.WithNoEntropyCompression(true))...)
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxChunk))
	if err != nil {
		return nil, fmt.Errorf("prepare decompression: %w", err)
	}
	return &chunkCoder{encoder, packer, decoder}, nil
}

// chunkBodies are what chunks are made of. The large ones of a backlog follow each
// other.
var chunkBodies = sync.Pool{New: func() any { return new([]byte) }}

// makeChunk makes the chunk of a batch, or nil if events are not kept.
func (db *DB) makeChunk(in store.Ingest) []byte {
	if in.Replayed || len(in.Events) == 0 || db.opts.KeepEvents <= 0 || db.opts.MaxEventBytes <= 0 {
		return nil
	}
	size := 0
	for i := range in.Events {
		size += len(in.Events[i].Raw) + binary.MaxVarintLen32
	}
	buffer, _ := chunkBodies.Get().(*[]byte) // they are nothing else
	defer chunkBodies.Put(buffer)
	*buffer = slices.Grow((*buffer)[:0], size)
	body := *buffer
	for i := range in.Events {
		body = binary.AppendUvarint(body, uint64(len(in.Events[i].Raw)))
		body = append(body, in.Events[i].Raw...)
	}
	var flags byte
	if len(body) >= minCompressed {
		flags = chunkCompressed
	}
	chunk := append(make([]byte, 0, 64+len(body)/4), chunkVersion, flags)
	chunk = appendTime(chunk, in.Now)
	chunk = binary.AppendUvarint(chunk, uint64(len(in.Events)))
	chunk = appendString(chunk, in.Source)
	if flags&chunkCompressed != 0 {
		return db.chunks.encoder.EncodeAll(body, chunk)
	}
	return append(chunk, body...)
}

// chunkHeader is what a chunk says without being decompressed.
type chunkHeader struct {
	flags    byte
	received time.Time
	count    int
	source   string
	body     []byte
}

func readChunkHeader(chunk []byte) (chunkHeader, error) {
	r := reader{rest: chunk}
	if version := r.byte(); version != chunkVersion {
		return chunkHeader{}, damaged("a chunk of events has version %d, not %d", version, chunkVersion)
	}
	h := chunkHeader{flags: r.byte(), received: r.time(), count: int(r.uvarint()), source: r.string()}
	if r.err != nil {
		return chunkHeader{}, damaged("a chunk of events: %w", r.err)
	}
	h.body = r.rest
	return h, nil
}

// readChunk returns the events of a chunk, the first of which has the sequence
// number seq.
func (c *chunkCoder) readChunk(seq uint64, chunk []byte) ([]store.Recent, error) {
	h, err := readChunkHeader(chunk)
	if err != nil {
		return nil, err
	}
	body := h.body
	if h.flags&chunkCompressed != 0 {
		if body, err = c.decoder.DecodeAll(body, nil); err != nil {
			return nil, damaged("a chunk of events: %w", err)
		}
	}
	r := reader{rest: body}
	var events []store.Recent
	for i := range h.count {
		line := r.bytes(r.count())
		if r.err != nil {
			break
		}
		events = append(events, store.Recent{Seq: seq + uint64(i), Received: h.received, Source: h.source, Line: line})
	}
	if err := r.end(); err != nil {
		return nil, damaged("a chunk of events: %w", err)
	}
	return events, nil
}
