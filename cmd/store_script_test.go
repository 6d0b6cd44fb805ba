package cmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// spoil FILE TEXT overwrites what is around the first TEXT in a file, as a disk
// that forgets a sector does. With a number it overwrites that page.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: spoil FILE TEXT|PAGE")
	}
	const sector = 512
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	at := bytes.LastIndex(data, []byte(args[1]))
	if page, err := strconv.Atoi(args[1]); err == nil {
		at = page * int(binary.NativeEndian.Uint32(data[24:])) // its first page says how large they are
	}
	if at < 0 || at >= len(data) {
		ts.Fatalf("%s has no %s", args[0], args[1])
	}
	at -= at % sector
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	ts.Check(err)
	_, err = file.WriteAt(make([]byte, sector), int64(at))
	ts.Check(errors.Join(err, file.Close()))
}

// append FILE FROM TO appends events of assets of these numbers to a file.
func appendEvents(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: append FILE FROM TO")
	}
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	to, err := strconv.Atoi(args[2])
	ts.Check(err)
	var lines bytes.Buffer
	for n := from; n <= to; n++ {
		fmt.Fprintf(&lines, `{"id":"event-%[1]d","source":"/dam","type":"AssetCreated","data":{"itemId":%[1]d,"baseId":%[1]d}}`+"\n", n)
	}
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = file.Write(lines.Bytes())
	ts.Check(errors.Join(err, file.Close()))
}
