package projection

import (
	"encoding/binary"
	"encoding/json"

	"github.com/cespare/xxhash/v2"
)

// hashVersion is raised by any change after which Hash returns another digest of some
// bytes. A print that was kept then says nothing of them any more.
const hashVersion = 1

// Print returns a fingerprint of an object that is sent, byte for byte, and of all that
// Hash goes by: where it is the same, so is the digest, and the object is as valid. It is
// had in a fraction of the time. Objects that differ in nothing that decides have
// different ones.
//
// Two objects have the same by chance once in 2^64, where they are the versions of one
// asset that follow each other. Then the later one is taken for the earlier one: if its
// change names no field that the endpoint is shown, the endpoint is not told of it until
// the asset changes again, or is synchronised as a whole. Who sets out for that, and may
// write into the DAM, can do it by design, and hide a change of their own.
func (p *Projection) Print(sent json.RawMessage) uint64 { return xxhash.Sum64(sent) ^ p.seed }

// seedOf makes prints differ by what makes digests differ.
func seedOf(fields, ignore []string) uint64 {
	buf := []byte{hashVersion}
	for _, names := range [][]string{fields, ignore} {
		buf = binary.AppendUvarint(buf, uint64(len(names)))
		for _, name := range names {
			buf = append(binary.AppendUvarint(buf, uint64(len(name))), name...)
		}
	}
	return xxhash.Sum64(buf)
}
