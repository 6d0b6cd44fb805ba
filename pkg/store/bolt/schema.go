package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// Format is the version of the store's layout. A change that an older dz can't
// read raises it and adds a migration.
//
// Format 1 was never released, and had larger debt records; it is not read. Format 2
// tracked nothing, and up to format 3 each debt had a record of its own; they are
// read and made one of this format by Open (migrate.go). Rows of format 4 shared
// records as a whole; they are read, and written anew when their debts change. Tracking
// records had no print up to format 5; likewise.
const Format = 6

// The buckets. Numbers in keys are big-endian, so that keys sort as numbers do.
//
//	meta       names below                              → values
//	endpoints  endpoint(4)                              → endpoint, JSON; its secrets sealed (seal.go)
//	names      name                                     → endpoint(4)
//	health     endpoint(4)                              → health, JSON
//	counts     endpoint(4), 0 for all                   → counts, uvarints
//	owed       key, endpoint÷16(4)                      → row of debts (row.go)
//	due        endpoint(4) filed(8) seq(8)              → key of the debt
//	trouble    endpoint(4) seq(8)                       → trouble record
//	positions  source NUL stream                        → position
//	events     seq of the first event(8)                → chunk of recent events
//	rejected   seq(8)                                   → rejection, JSON
//	assets     order(2) id, JSON: see assetKey          → asset record
//	tracked    endpoint(4) as in assets                 → tracking record
//	deletions  endpoint(4)                              → deletions of late, JSON
//	skips      endpoint(4) reason                       → count, uint64
//	resyncs    endpoint(4)                              → job, JSON
//	removed    endpoint(4)                              → nothing; debts to be freed
//
// and up to format 3, instead of owed:
//
//	debts      endpoint(4) key                          → debt record
var (
	bucketMeta      = []byte("meta")
	bucketEndpoints = []byte("endpoints")
	bucketNames     = []byte("names")
	bucketHealth    = []byte("health")
	bucketCounts    = []byte("counts")
	bucketOwed      = []byte("owed")
	bucketDebts     = []byte("debts")
	bucketDue       = []byte("due")
	bucketTrouble   = []byte("trouble")
	bucketPositions = []byte("positions")
	bucketEvents    = []byte("events")
	bucketRejected  = []byte("rejected")
	bucketAssets    = []byte("assets")
	bucketTracked   = []byte("tracked")
	bucketDeletions = []byte("deletions")
	bucketSkips     = []byte("skips")
	bucketResyncs   = []byte("resyncs")
	bucketRemoved   = []byte("removed")
)

func buckets() [][]byte {
	return [][]byte{
		bucketMeta, bucketEndpoints, bucketNames, bucketHealth, bucketCounts, bucketOwed, bucketDue,
		bucketTrouble, bucketPositions, bucketEvents, bucketRejected, bucketAssets, bucketRemoved,
		bucketTracked, bucketDeletions, bucketSkips, bucketResyncs,
	}
}

// Names in bucketMeta.
var (
	metaFormat   = []byte("format")   // uint64
	metaSalt     = []byte("salt")     // uint64: tells stores apart
	metaRevision = []byte("revision") // uint64: rises with every change of an endpoint
	metaTotals   = []byte("totals")   // uvarints: see totals
	metaRestored = []byte("restored") // uint64: Unix ns of the last restore; none: it is from no backup
)

// maxEndpoint is the greatest endpoint id that fits a key.
const maxEndpoint = 1<<32 - 1

func endpointKey(id uint64) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(id))
}

// debtKey is the key of a debt in a store before format 4.
func debtKey(id uint64, key debt.Key) []byte { return append(endpointKey(id), key...) }

// splitDebtKey is the reverse of debtKey.
func splitDebtKey(k []byte) (id uint64, key debt.Key, err error) {
	if len(k) < 4 {
		return 0, "", fmt.Errorf("debt key of %d bytes", len(k))
	}
	return uint64(binary.BigEndian.Uint32(k)), debt.Key(k[4:]), nil
}

// dueEntry is how many bytes an entry of the index takes beside the debt's key.
const dueEntry = 20

func dueKey(id uint64, filed int64, seq uint64) []byte {
	return appendDueKey(make([]byte, 0, 20), id, filed, seq)
}

func appendDueKey(buf []byte, id uint64, filed int64, seq uint64) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(id))
	buf = binary.BigEndian.AppendUint64(buf, uint64(filed))
	return binary.BigEndian.AppendUint64(buf, seq)
}

// dueTime reads the time of a due key.
func dueTime(k []byte) int64 { return int64(number64(k, 4)) }

func dueSeq(k []byte) uint64 { return number64(k, 12) }

// endpointOf reads the endpoint that a key begins with. A key that is too short for
// that is damage: it panics with it, for recoverDamage, as bbolt does of a page that
// makes no sense.
func endpointOf(k []byte) uint64 {
	if len(k) < 4 {
		panic(damaged("a key of an endpoint has %d bytes", len(k)))
	}
	return uint64(binary.BigEndian.Uint32(k))
}

// number64 reads a number of a key or record, and panics likewise.
func number64(k []byte, at int) uint64 {
	if len(k) < at+8 {
		panic(damaged("a key or record has %d bytes, too few for its number", len(k)))
	}
	return binary.BigEndian.Uint64(k[at:])
}

func troubleKey(id, seq uint64) []byte {
	buf := binary.BigEndian.AppendUint32(make([]byte, 0, 12), uint32(id))
	return binary.BigEndian.AppendUint64(buf, seq)
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func positionKey(source, stream string) []byte { return []byte(source + "\x00" + stream) }

func getUint64(b *bbolt.Bucket, name []byte) uint64 {
	if v := b.Get(name); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putUint64(b *bbolt.Bucket, name []byte, n uint64) error {
	return b.Put(name, binary.BigEndian.AppendUint64(nil, n))
}

// initialize fills an empty database.
func initialize(tx *bbolt.Tx, salt uint16) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	meta := tx.Bucket(bucketMeta)
	if err := putUint64(meta, metaSalt, uint64(salt)); err != nil {
		return err
	}
	return putUint64(meta, metaFormat, Format)
}

// checkFormat reports whether this dz can read the database.
func checkFormat(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return damaged("it is a bbolt database, but not one of dz")
	}
	format := getUint64(meta, metaFormat)
	switch {
	case format > Format:
		return fmt.Errorf("%w: it has format %d, this dz reads up to %d: install a newer dz", store.ErrNewer, format, Format)
	case format == 1:
		return errors.New("it has format 1, of a dz before its first release, which this one can't read: " +
			"let that dz deliver what is owed, then move the file away to begin anew")
	case format < 2:
		return damaged("it names format %d, which never was", format)
	}
	for _, name := range bucketsOf(format) {
		if tx.Bucket(name) == nil {
			return damaged("bucket %s is missing", name)
		}
	}
	return nil
}
