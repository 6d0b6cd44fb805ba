package bolt

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = 500 * time.Millisecond

// Address space is reserved for all that the file may grow to, in bytes, at
// least initialMmap and at most maxReservedMmap. It is no memory; it spares
// remapping while the file grows, which would wait for every reader, and
// everybody for it.
const (
	initialMmap     = 1 << 30
	maxReservedMmap = 64 << 30
)

// A store is made with pages of largePage bytes, which it keeps for its life: a
// commit writes each page that it changes anew, and what a backlog changes lies close
// together. The pages of one that may not grow large are smaller, as the room that is
// reserved in it is to hold many of them (room.go).
const (
	smallPage      = 4 << 10
	largePage      = 16 << 10
	largePagesFrom = 256 << 20 // store.max_size, in bytes
)

// pageSize is how large the pages are, in bytes, of a new store that may grow to
// maxSize; 0 is unlimited.
func pageSize(maxSize int64) int {
	if 0 < maxSize && maxSize < largePagesFrom {
		return smallPage
	}
	return largePage
}

// leastSize returns how many bytes the bbolt file at path must have, if it is one:
// four pages.
func leastSize(path string) (n int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return 4 * int64(max(smallPage, metaPageSize(file))), nil
}

func tooSmall(size int64) error { return damaged("it has %d bytes, too few for a store", size) }

// create makes an empty store if there is none: under another name first, so
// that a store that bears its name is whole.
func create(path string, pageSize int) (err error) {
	if _, err := os.Stat(path); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	if err := temp.Close(); err != nil {
		return err
	}
	var salt [2]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return err
	}
	b, err := bbolt.Open(temp.Name(), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, PageSize: pageSize})
	if err != nil {
		return err
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		return initialize(tx, binary.BigEndian.Uint16(salt[:]))
	})
	if err := errors.Join(err, b.Close()); err != nil {
		return err
	}
	// Link, unlike rename, does not replace what another process has made in
	// the meantime.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func open(path string, opts Options) (b *bbolt.DB, before preview, err error) {
	defer recoverDamage(&err)()
	if before, err = look(path); err != nil {
		return nil, before, err
	}
	b, err = openInPlace(path, &bbolt.Options{
		Timeout:         lockTimeout,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: int(min(max(opts.MaxSize, initialMmap), maxReservedMmap)),
		MaxSize:         int(opts.MaxSize),
		NoSync:          opts.NoSync,
	})
	if err != nil {
		return nil, before, err
	}
	b.AllocSize = int(growth(opts.MaxSize))
	if err := migrate(b); err != nil {
		return nil, before, errors.Join(err, b.Close())
	}
	// bbolt counts its free pages, which full asks for, at the end of a write.
	tx, err := b.Begin(true)
	if err != nil {
		return nil, before, errors.Join(err, b.Close())
	}
	return b, before, tx.Rollback()
}

// preview is what a file was like before it was opened for writing.
type preview struct {
	format     int
	lastCommit error // what is wrong with a page that names it; nil if nothing is
}

// look looks at the file without changing it: whether it is a store of a format
// that this dz knows, and whole.
func look(path string) (seen preview, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return seen, err
	case !info.Mode().IsRegular():
		return seen, errors.New("it is no file: give the store another store.path")
	}
	if least, err := leastSize(path); err != nil {
		return seen, err
	} else if info.Size() < least {
		return seen, tooSmall(info.Size())
	}
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	tx, err := b.Begin(false)
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if seen.lastCommit, err = checkPages(path, tx, b.Info().PageSize); err != nil {
		return seen, err
	}
	if err := checkFormat(tx); err != nil {
		return seen, err
	}
	seen.format = int(getUint64(tx.Bucket(bucketMeta), metaFormat))
	return seen, nil
}
