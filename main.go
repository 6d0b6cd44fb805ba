// Dz delivers every change in a digital asset management system to every system
// that must know of it. "dz help" says how to use it.
package main

import (
	_ "embed"
	"os"

	"github.com/dam-delivery/dz/cmd"
)

// Set by the linker (-X main.version=…); what is empty is asked of the build's
// own information.
var version, commit, date string

// sample holds the events of "dz serve --dev".
//
//go:embed testdata/sample.ndjson
var sample []byte

func main() {
	os.Exit(cmd.Main(cmd.Build{Version: version, Commit: commit, Date: date}, sample))
}
