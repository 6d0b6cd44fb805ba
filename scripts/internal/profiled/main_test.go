package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestProfilesAreWrittenWhereTheyAreWanted(t *testing.T) {
	dir := t.TempDir()
	ran := 0
	if err := profile("", func() { ran++ }); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files without a prefix, %v", len(entries), err)
	}
	prefix := filepath.Join(dir, "tail-8")
	if err := profile(prefix, func() { ran++ }); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{".cpu.pprof", ".alloc.pprof"} {
		text, err := os.ReadFile(prefix + kind)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			t.Errorf("%s is no gzip, as profiles are", kind)
		}
	}
	if err := profile(filepath.Join(dir, "missing", "tail-8"), func() { ran++ }); err == nil {
		t.Error("a folder that is missing is no error")
	}
	if ran != 2 {
		t.Errorf("it ran %d times, want 2", ran)
	}
}
