package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// bbolt reads all pages of a file when it opens it, in a goroutine of its own,
// where a page that makes no sense is the end of the process. So they are read
// here first: each must be what and where its parent says, and hold what it
// counts. The layout is that of bbolt's file format 2, numbers in the machine's
// order:
//
//	page     id(8) flags(2) count(2) overflow(4), then count elements, then data
//	branch   pos(4) ksize(4) page(8); key at pos from the element
//	leaf     flags(4) pos(4) ksize(4) vsize(4); key and then value at pos
//	bucket   a leaf's value: root page(8) sequence(8), then, if root is 0, a page
const (
	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16
	flagBranch   = 1
	flagLeaf     = 2
	flagBucket   = 1
	// maxRun is how many bytes a page may run over: more than any record has.
	maxRun = 2 * maxChunk
)

// checkPages reads every page of the file that the transaction can reach. That one
// of the two that name the last commit is bad, in spite of which the rest can be
// read, is told apart.
func checkPages(path string, tx *bbolt.Tx, pageSize int) (lastCommit, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < tx.Size() {
		return nil, damaged("it has %d bytes and should have %d", info.Size(), tx.Size())
	}
	pages := uint64(tx.Size()) / uint64(pageSize)
	w := &pageWalk{file: file, pageSize: pageSize, pages: pages, seen: make([]uint64, pages/64+1)}
	_, lastCommit = checkMetas(file, pageSize)
	return lastCommit, w.tree(uint64(tx.Cursor().Bucket().RootPage()), nil, nil, 0)
}

// pageWalk is a walk through all pages.
type pageWalk struct {
	file     io.ReaderAt
	pageSize int
	pages    uint64   // those that are in use have numbers below it
	seen     []uint64 // a bit a page
	buffers  [][]byte // one a level of the tree
}

// tree checks the pages of a bucket from one on. Keys must be at least low, and
// below high unless it is nil.
func (w *pageWalk) tree(id uint64, low, high []byte, level int) error {
	p, err := w.read(id, level)
	if err != nil {
		return err
	}
	for i := range p.count {
		key, err := p.key(i)
		if err != nil {
			return err
		}
		if bytes.Compare(key, low) < 0 || (i > 0 && bytes.Equal(key, low)) || (high != nil && bytes.Compare(key, high) >= 0) {
			return damaged("the keys of page %d are not in order", id)
		}
		low = key
		if p.leaf {
			err = w.leafElement(p, i, level)
		} else {
			below := high
			if i+1 < p.count {
				if below, err = p.key(i + 1); err != nil {
					return err
				}
			}
			err = w.tree(p.child(i), key, below, level+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *pageWalk) leafElement(p page, i, level int) error {
	value, isBucket, err := p.value(i)
	if err != nil || !isBucket {
		return err
	}
	if len(value) < bucketHeader {
		return damaged("page %d holds half a bucket", p.id)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, level+1)
	}
	inline, err := newPage(p.id, value[bucketHeader:])
	if err != nil {
		return err
	}
	for i := range inline.count {
		if _, err := inline.key(i); err != nil {
			return err
		}
		if _, _, err := inline.value(i); err != nil {
			return err
		}
	}
	return nil
}

// read reads a page and those it runs over into. Its memory is used again for
// the next page of the level.
func (w *pageWalk) read(id uint64, level int) (page, error) {
	if level == len(w.buffers) {
		w.buffers = append(w.buffers, make([]byte, w.pageSize))
	}
	if id < 2 || id >= w.pages {
		return page{}, damaged("it names page %d, of %d", id, w.pages)
	}
	if err := w.fill(level, id, w.pageSize); err != nil {
		return page{}, err
	}
	data := w.buffers[level]
	if itself := binary.NativeEndian.Uint64(data); itself != id {
		return page{}, damaged("page %d says that it is page %d", id, itself)
	}
	overflow := uint64(binary.NativeEndian.Uint32(data[12:]))
	switch {
	case overflow >= w.pages-id:
		return page{}, damaged("page %d runs over the end", id)
	case overflow*uint64(w.pageSize) > maxRun:
		return page{}, damaged("page %d runs over %d others", id, overflow)
	}
	for n := id; n <= id+overflow; n++ {
		if w.seen[n/64]&(1<<(n%64)) != 0 {
			return page{}, damaged("page %d is used twice", n)
		}
		w.seen[n/64] |= 1 << (n % 64)
	}
	if overflow > 0 {
		if err := w.fill(level, id, int(overflow+1)*w.pageSize); err != nil {
			return page{}, err
		}
	}
	return newPage(id, w.buffers[level])
}

func (w *pageWalk) fill(level int, id uint64, size int) error {
	if cap(w.buffers[level]) < size {
		w.buffers[level] = make([]byte, size)
	}
	w.buffers[level] = w.buffers[level][:size]
	if _, err := w.file.ReadAt(w.buffers[level], int64(id)*int64(w.pageSize)); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	return nil
}

// page is a page of a tree, with the data that belongs to it.
type page struct {
	id    uint64
	leaf  bool
	count int
	data  []byte
}

func newPage(id uint64, data []byte) (page, error) {
	if len(data) < pageHeader {
		return page{}, damaged("page %d is cut off", id)
	}
	p := page{id: id, count: int(binary.NativeEndian.Uint16(data[10:])), data: data}
	switch flags := binary.NativeEndian.Uint16(data[8:]); flags {
	case flagBranch:
		if p.count == 0 {
			return page{}, damaged("page %d is a branch without leaves", id)
		}
	case flagLeaf:
		p.leaf = true
	default:
		return page{}, damaged("page %d is neither branch nor leaf (%x)", id, flags)
	}
	if pageHeader+p.count*elementSize > len(data) {
		return page{}, damaged("page %d can't hold %d elements", id, p.count)
	}
	return p, nil
}

// number reads a 32-bit number of an element.
func (p page) number(i, offset int) int {
	return int(binary.NativeEndian.Uint32(p.data[pageHeader+i*elementSize+offset:]))
}

// span returns size bytes at pos from an element.
func (p page) span(i, pos, size int) ([]byte, error) {
	start := pageHeader + i*elementSize + pos
	if start+size > len(p.data) {
		return nil, damaged("element %d of page %d lies outside", i, p.id)
	}
	return p.data[start : start+size], nil
}

func (p page) key(i int) ([]byte, error) {
	if p.leaf {
		return p.span(i, p.number(i, 4), p.number(i, 8))
	}
	return p.span(i, p.number(i, 0), p.number(i, 4))
}

func (p page) value(i int) (value []byte, isBucket bool, err error) {
	value, err = p.span(i, p.number(i, 4)+p.number(i, 8), p.number(i, 12))
	return value, p.number(i, 0)&flagBucket != 0, err
}

func (p page) child(i int) uint64 {
	return binary.NativeEndian.Uint64(p.data[pageHeader+i*elementSize+8:])
}
