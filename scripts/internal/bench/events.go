package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// eventBytes is how long an event's line is, without its end.
const eventBytes = 500

// words fill events up. They are chosen at random, so that the file compresses
// about as well as the metadata of a DAM.
const words = "amber archive autumn bronze campaign canvas caption castle catalogue choir coast copper cover craft " +
	"detail dusk edition engraving exhibit figure fountain gallery garden glass gold harbour head herald horizon " +
	"image ivory kitchen landscape lantern letter linen marble market meadow mirror model morning museum north " +
	"orchard packshot paper pearl portrait print quarter relief river scene season shadow silver sketch stage " +
	"stone street study summer table theatre tower valley vessel view village violet walnut window winter workshop"

// writer makes events, each about one of a number of objects. The same seed
// makes the same events.
type writer struct {
	// snapshots has each event carry what is known of its asset, as some DAMs
	// have it: dz keeps that too. Else the event tells only what changed.
	snapshots bool

	random *rand.Rand
	words  []string
	seq    int
	buf    []byte
}

func newWriter() *writer {
	return &writer{random: rand.New(rand.NewPCG(8, 15)), words: strings.Fields(words)} //nolint:gosec // no secret
}

// line returns the next event, about the item, with its line's end. It is valid
// until the next call.
func (w *writer) line(item int) []byte {
	w.seq++
	id := strconv.Itoa(item)
	b := fmt.Appendf(w.buf[:0], `{"specversion":"1.0","id":"bench-%d","source":"/dam/bench","type":"AssetMetadataUpdated",`+
		`"time":"2026-11-21T10:%02d:%02dZ","subject":"asset/%s","data":{"itemId":%s,"baseId":%s,"changedFields":["title"],`+
		`"user":"119574","session":"%d","reason":"metadata","domain":484,`,
		w.seq, w.seq/60%60, w.seq%60, id, id, id, w.random.Uint32())
	end := `"}}`
	if w.snapshots {
		b = fmt.Appendf(b, `"asset":{"assetId":%s,"title":"`, id)
		end = `"}}}`
	} else {
		b = append(b, `"comment":"`...)
	}
	for room := eventBytes - len(end); len(b) < room; {
		word := w.words[w.random.IntN(len(w.words))]
		b = append(append(b, word[:min(len(word), room-len(b))]...), ' ')
		b = b[:min(len(b), room)]
	}
	w.buf = append(append(b, end...), '\n')
	return w.buf
}

// write makes a file of events about that many objects, each of which gets its
// turn in every round, in another order each time. The file is on the disk when
// write returns, so that writing it does not disturb what is measured then.
func (w *writer) write(path string, events, objects int) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	out := bufio.NewWriterSize(file, 1<<20)
	var order []int
	for i := range events {
		if i%objects == 0 {
			order = w.random.Perm(objects)
		}
		if _, err := out.Write(w.line(order[i%objects])); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Sync()
}
