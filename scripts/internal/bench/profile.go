package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// profileVariable tells scripts/internal/profiled where its profiles go.
const profileVariable = "BENCH_PROFILE"

// profiled returns the variables that have a dz write profiles under a name.
func (b *bench) profiled(name string) []string {
	if b.opts.profiles == "" {
		return nil
	}
	return []string{profileVariable + "=" + filepath.Join(b.opts.profiles, name)}
}

// summarize writes down what leads in the profiles of a dz that has ended, as
// text beside them.
func (b *bench) summarize(ctx context.Context, name string) (err error) {
	if b.opts.profiles == "" {
		return nil
	}
	prefix := filepath.Join(b.opts.profiles, name)
	if _, err := os.Stat(prefix + ".cpu.pprof"); errors.Is(err, fs.ErrNotExist) {
		return errors.New("dz has written no profile: --profile needs the dz that scripts/bench builds for it")
	}
	out, err := os.Create(prefix + ".txt")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for _, view := range []struct{ title, profile, sample, sort string }{
		{"processor time", ".cpu.pprof", "cpu", "-flat"},
		{"processor time, with what is called", ".cpu.pprof", "cpu", "-cum"},
		{"bytes allocated", ".alloc.pprof", "alloc_space", "-flat"},
		{"objects allocated", ".alloc.pprof", "alloc_objects", "-flat"},
	} {
		fmt.Fprintf(out, "== %s: %s\n", name, view.title)
		cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=50", //nolint:gosec // fixed words, and a file of ours
			view.sort, "-sample_index="+view.sample, prefix+view.profile)
		cmd.Stdout, cmd.Stderr = out, b.log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("summarize profile %s%s: %w", name, view.profile, err)
		}
		fmt.Fprintln(out)
	}
	return nil
}
