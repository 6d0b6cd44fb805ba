// Profiled is dz with profiles of itself: of the processor's time and of what
// was allocated, over the whole life of the process. scripts/bench --profile
// builds it in the place of dz, so that dz itself carries nothing for it.
//
// The variable BENCH_PROFILE names the profiles' files: PREFIX.cpu.pprof and
// PREFIX.alloc.pprof. Without it the program is dz.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/dam-delivery/dz/cmd"
)

// Set by the linker, as those of dz.
var version, commit, date string

func main() {
	code := 0
	err := profile(os.Getenv("BENCH_PROFILE"), func() {
		code = cmd.Main(cmd.Build{Version: version, Commit: commit, Date: date}, nil)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		code = max(code, 1)
	}
	os.Exit(code) //nolint:forbidigo // a program of its own
}

// profile writes profiles of what run does; none with an empty prefix.
func profile(prefix string, run func()) error {
	if prefix == "" {
		run()
		return nil
	}
	processor, err := os.Create(prefix + ".cpu.pprof")
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(processor); err != nil {
		return errors.Join(err, processor.Close())
	}
	run()
	pprof.StopCPUProfile()
	return errors.Join(processor.Close(), allocations(prefix+".alloc.pprof"))
}

// allocations writes what was allocated since the process began, and what of it
// is still in use.
func allocations(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
