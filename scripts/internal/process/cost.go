package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Memory is what a process has in RAM, in bytes.
type Memory struct {
	Peak int64 // the most there was at a time, mapped files included
	Now  int64
	Anon int64 // of now, without mapped files
}

// Memory reads /proc.
func (p *Process) Memory() (Memory, error) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return Memory{}, fmt.Errorf("read memory: %w", err)
	}
	var m Memory
	for line := range bytes.Lines(text) {
		name, value, _ := strings.Cut(string(line), ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue // a line of another kind
		}
		switch name {
		case "VmHWM":
			m.Peak = kib << 10
		case "VmRSS":
			m.Now = kib << 10
		case "RssAnon":
			m.Anon = kib << 10
		}
	}
	if m.Peak == 0 {
		return m, errors.New("read memory: /proc does not tell it")
	}
	return m, nil
}

// CPU is the processor time taken so far, in user and system: all of it once the
// process has ended, before that what its threads that still live have taken.
func (p *Process) CPU() (time.Duration, error) {
	if !p.Running() {
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	}
	threads, err := os.ReadDir(p.proc("task"))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	var sum time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(p.proc(filepath.Join("task", thread.Name(), "schedstat")))
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		nanos, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(nanos, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

func (p *Process) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}
