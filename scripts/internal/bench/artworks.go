package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// artworksFile is a museum's artworks as asset objects, one a line, in the folder
// that DZ_TEST_DATA names.
const artworksFile = "tate-artworks/assets.ndjson.gz"

// artworks writes so many assets, one a line, and says what they are: real ones if
// they are on this machine, else invented ones of the same size.
func artworks(w io.Writer, count int) (what string, err error) {
	packed, err := os.Open(filepath.Join(os.Getenv("DZ_TEST_DATA"), artworksFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "invented assets", inventArtworks(w, count)
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	lines, err := gzip.NewReader(packed)
	if err != nil {
		return "", err
	}
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 1<<20)
	n := 0
	for ; n < count && scanner.Scan(); n++ {
		if _, err := fmt.Fprintf(w, "%s\n", scanner.Bytes()); err != nil {
			return "", err
		}
	}
	if err := scanner.Err(); err != nil {
		return "", err
	}
	if n < count {
		return "", fmt.Errorf("%s has %d assets, less than %d", artworksFile, n, count)
	}
	return "artworks of Tate", nil
}

// inventArtworks writes assets of about 1,900 bytes, as those of Tate have.
func inventArtworks(w io.Writer, count int) error {
	random := rand.New(rand.NewPCG(16, 23)) //nolint:gosec // no secret
	all := strings.Fields(words)
	some := func(n int) string {
		chosen := make([]string, n)
		for i := range chosen {
			chosen[i] = all[random.IntN(len(all))]
		}
		return strings.Join(chosen, " ")
	}
	var line bytes.Buffer
	for i := range count {
		line.Reset()
		fmt.Fprintf(&line, `{"assetId":%d,"itemId":%d,"title":%q,"description":%q,"assetType":4,`+
			`"thumbnailUrl":"http://127.0.0.1/images/%d_8.jpg","metadata":{"acno":"A%05d","acquisitionYear":%d,`+
			`"all_artists":%q,"medium":%q,"dimensions":"support: %d x %d mm","subjects":{"id":1,"name":"subject","children":[`,
			1000+i, 7_000_000+i, some(5), some(8), i, i, 1850+random.IntN(150), some(2), some(5), random.IntN(900), random.IntN(900))
		for child := range 12 + random.IntN(16) {
			if child > 0 {
				line.WriteByte(',')
			}
			fmt.Fprintf(&line, `{"id":%d,"name":%q,"children":[]}`, random.IntN(10_000), some(3))
		}
		fmt.Fprintf(&line, "]},\"creditLine\":%q,\"inscription\":null,\"units\":\"mm\"}}\n", some(6))
		if _, err := w.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
