package daemon

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/store"
)

// A page that goes bad beneath a running daemon ends it with what to do, before
// more is built upon it.
func TestADamagedStoreEndsTheDaemonWithACure(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.change(1)
		b.wait(time.Second)
		info, err := os.Stat(b.path)
		if err != nil {
			b.Fatal(err)
		}
		file, err := os.OpenFile(b.path, os.O_RDWR, 0)
		if err != nil {
			b.Fatal(err)
		}
		number := make([]byte, 4)
		if _, err := file.ReadAt(number, 24); err != nil {
			b.Fatal(err)
		}
		first := 2 * int64(binary.NativeEndian.Uint32(number)) // behind those that say where the others are
		_, err = file.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size()-first)), first)
		if err := errors.Join(err, file.Close()); err != nil {
			b.Fatal(err)
		}
		b.change(2)
		var ended error
		select {
		case ended = <-b.ended:
		case <-time.After(time.Minute):
			b.Fatal("the daemon goes on for a minute")
		}
		if !errors.Is(ended, store.ErrDamaged) || !strings.Contains(ended.Error(), "restore a backup") ||
			!strings.Contains(ended.Error(), "'dz store check'") {
			b.Errorf("the daemon ended with %v", ended)
		}
		b.ended <- nil // for the end of the test
	})
}
