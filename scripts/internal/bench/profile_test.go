package main

import (
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
)

func TestProfilesAreSummarizedBesideThem(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b := &bench{log: log}
	if b.profiled("tail-8") != nil {
		t.Error("profiles are written that nobody asked for")
	}
	b.opts.profiles = t.TempDir()
	prefix := filepath.Join(b.opts.profiles, "tail-8")
	if got := strings.Join(b.profiled("tail-8"), " "); got != "BENCH_PROFILE="+prefix {
		t.Errorf("variables %q", got)
	}
	if err := b.summarize(t.Context(), "tail-8"); err == nil || !strings.Contains(err.Error(), "no profile") {
		t.Errorf("error %v of a dz that wrote none", err)
	}
	// This process's own will do.
	for kind, write := range map[string]func(*os.File) error{
		".cpu.pprof": func(file *os.File) error {
			defer pprof.StopCPUProfile()
			return pprof.StartCPUProfile(file)
		},
		".alloc.pprof": func(file *os.File) error { return pprof.Lookup("allocs").WriteTo(file, 0) },
	} {
		file, err := os.Create(prefix + kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(file); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.summarize(t.Context(), "tail-8"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(prefix + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"== tail-8: processor time\n", "Type: cpu", "== tail-8: bytes allocated", "Type: alloc_space",
		"== tail-8: objects allocated", "Type: alloc_objects",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
}
