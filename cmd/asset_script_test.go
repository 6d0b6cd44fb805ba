package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dam-delivery/dz/pkg/dztest"
)

// TestTheArtworksOfAMuseumAreImported imports what one museum has, with the
// script in testdata/museum.
func TestTheArtworksOfAMuseumAreImported(t *testing.T) {
	t.Parallel()
	if dztest.RaceDetected() {
		t.Skip("the race detector makes minutes of it, and takes memory of its own: run it without")
	}
	dir, named := os.LookupEnv("DZ_TEST_DATA")
	if !named {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	assets, err := filepath.Abs(filepath.Join(dir, "tate-artworks", "assets.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(assets); errors.Is(err, fs.ErrNotExist) && !named {
		t.Skip("needs the artworks tate-artworks/assets.ndjson.gz in the folder DZ_TEST_DATA")
	} else if err != nil {
		t.Fatal(err)
	}
	params := scriptParams(filepath.Join("testdata", "museum"))
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		env.Setenv("ASSETS", assets)
		return setup(env)
	}
	testscript.Run(t, params)
}

// peak MIB fails where a program that runs in the background has ever had more
// memory. Where the system does not tell, it says so.
func peak(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: peak MIB")
	}
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	running := ts.BackgroundCmds()
	if len(running) == 0 {
		ts.Fatalf("nothing runs in the background")
	}
	for _, program := range running {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", program.Process.Pid))
		if errors.Is(err, fs.ErrNotExist) {
			ts.Logf("no /proc tells how much memory was used")
			return
		}
		ts.Check(err)
		_, after, found := strings.Cut(string(status), "VmHWM:")
		var kib int
		if _, err := fmt.Sscan(after, &kib); !found || err != nil {
			ts.Fatalf("/proc does not tell the peak: %v", err)
		}
		ts.Logf("at most %d MiB were used", kib>>10)
		if kib>>10 > most {
			ts.Fatalf("%s has used %d MiB, more than %d", strings.Join(program.Args, " "), kib>>10, most)
		}
	}
}
