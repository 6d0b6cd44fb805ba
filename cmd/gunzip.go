package cmd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// gunzip reads what may be compressed with gzip. It looks when it is read for
// the first time: a terminal has nothing to look at before.
type gunzip struct {
	input io.Reader
	plain io.Reader // once it was looked at
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.plain == nil {
		buffered := bufio.NewReaderSize(g.input, 64<<10)
		g.plain = buffered
		magic, err := buffered.Peek(2)
		if err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			g.plain = &unpacking{packed: buffered}
		} // what else Peek met, reading meets again
	}
	return g.plain.Read(p)
}

// unpacking reads what is compressed.
type unpacking struct {
	packed io.Reader
	reader *gzip.Reader
}

func (u *unpacking) Read(p []byte) (n int, err error) {
	if u.reader == nil {
		u.reader, err = gzip.NewReader(u.packed)
	}
	if err == nil {
		n, err = u.reader.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("decompress: %w", err)
	}
	return n, err
}
