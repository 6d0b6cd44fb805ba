package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is what the numbers depend on.
type machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	System    string  `json:"system"`
	Go        string  `json:"go"`
	FlushMS   float64 `json:"flushMs"` // one flush to the disk
}

// describe notes when, where and of what the results are.
func (r *report) describe(ctx context.Context, b *bench) error {
	version, err := b.version(ctx)
	if err != nil {
		return err
	}
	flush, err := flushTime(b.dir)
	if err != nil {
		return err
	}
	r.Date, r.Commit = time.Now().UTC().Truncate(time.Second), version.Commit
	if r.Wrong == nil {
		r.Wrong = []string{}
	}
	r.Machine = machine{
		Processor: after("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH + " " + first("/proc/sys/kernel/osrelease"),
		Go:     version.Go, FlushMS: float64(flush.Microseconds()) / 1000,
	}
	return nil
}

// flushTime measures what a commit costs at least: a small write and its flush
// to the disk.
func flushTime(dir string) (took time.Duration, err error) {
	file, err := os.Create(filepath.Join(dir, "flush"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const times = 50
	page := make([]byte, 4<<10)
	begun := time.Now()
	for range times {
		if _, err := file.WriteAt(page, 0); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(begun) / times, nil
}

// first returns a file's first line, "" if there is none.
func first(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// after returns what follows a name and a colon in a file.
func after(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(line, "\t :")
}
