package main

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
)

const zipped = ".gz"

// compress compresses the rotated files but the newest ones, as logrotate does
// with its delaycompress (keep 1) or without (0): into a file beside, with the
// time of the last change, after which the plain one is removed.
func (s *spool) compress(keep int) error {
	for i := range max(0, len(s.rotated)-keep) {
		if strings.HasSuffix(s.rotated[i], zipped) {
			continue
		}
		if err := compressFile(s.rotated[i]); err != nil {
			return err
		}
		s.rotated[i] += zipped
	}
	return nil
}

func compressFile(path string) (err error) {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(path+zipped, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := gzip.NewWriter(to)
	_, err = io.Copy(w, from)
	if err := errors.Join(err, w.Close(), to.Close(), os.Chtimes(to.Name(), info.ModTime(), info.ModTime())); err != nil {
		return err
	}
	return os.Remove(path)
}
