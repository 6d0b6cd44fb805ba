package bolt

import (
	"encoding/binary"
	"hash/fnv"
	"io"

	"go.etcd.io/bbolt"
)

// The first two pages of a file name the last commit and the one before; commits
// write them in turn. If one makes no sense, bbolt takes the other and says
// nothing, so that the last commit may be gone unawares. So they are read here
// too. Their layout:
//
//	page  id(8) flags(2) count(2) overflow(4), then
//	meta  magic(4) version(4) page size(4) flags(4) root(8) sequence(8)
//	      freelist(8) pages(8) commit(8), then the FNV-1a sum(8) of these
const (
	flagMeta    = 4
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 56 // without its sum
)

// checkMetas returns which of the first two pages makes no sense, and an error if
// one does. If both do, bbolt opens no such file.
func checkMetas(file io.ReaderAt, pageSize int) (page uint64, err error) {
	for page := range uint64(2) {
		data := make([]byte, pageHeader+metaSize+8)
		if _, err := file.ReadAt(data, int64(page)*int64(pageSize)); err != nil {
			return page, err
		}
		if !isMeta(data, page, pageSize) {
			return page, damaged("page %d is overwritten, one of the two that name the last commit: "+
				"the store may be as of the commit before; dz starts with that", page)
		}
	}
	return 0, nil
}

// largestPage bounds where bbolt looks for the second page of a file, in bytes.
const largestPage = 16 << 20

// metaPageSize returns how large the pages of a file are, in bytes, by its first one, or
// its second if the first makes no sense; 0 if neither does.
func metaPageSize(file io.ReaderAt) int {
	data := make([]byte, pageHeader+metaSize+8)
	if _, err := file.ReadAt(data, 0); err != nil {
		return 0
	}
	if size := int(binary.NativeEndian.Uint32(data[pageHeader+8:])); isMeta(data, 0, size) {
		return size
	}
	for size := 1 << 10; size <= largestPage; size *= 2 {
		if _, err := file.ReadAt(data, int64(size)); err != nil {
			return 0
		}
		if isMeta(data, 1, size) {
			return size
		}
	}
	return 0
}

func isMeta(data []byte, page uint64, pageSize int) bool {
	number := binary.NativeEndian
	meta := data[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:metaSize]) // a hash takes everything
	return number.Uint64(data) == page && number.Uint16(data[8:]) == flagMeta &&
		number.Uint32(meta) == metaMagic && number.Uint32(meta[4:]) == metaVersion &&
		number.Uint32(meta[8:]) == uint32(pageSize) && number.Uint64(meta[metaSize:]) == sum.Sum64()
}

// nameTwice has both of the first two pages name what is in the file now, so that
// nothing is lost with either of them. It is for files in the making: in those at
// work the next commit follows soon.
func nameTwice(b *bbolt.DB) error { return b.Update(func(*bbolt.Tx) error { return nil }) }
