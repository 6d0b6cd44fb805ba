// Package process owns the processes that a script starts: it ends them by
// their ids and no other way, and reads what they cost.
//
// It guarantees that a process does not outlive its context by more than the
// time it is given to end. It must not know what program runs.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EndWithin is how long a process may take to end when it is told to, before it
// is killed.
const EndWithin = 30 * time.Second

// Launch says what to start.
type Launch struct {
	Program string
	Args    []string
	Log     io.Writer // for stdout and stderr
}

// Process is one that was started here.
type Process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // how it ended
}

// Start starts a process. It is told to end when ctx ends.
func Start(ctx context.Context, l Launch) (*Process, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, l.Program, l.Args...) //nolint:gosec // it is the program to test
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = EndWithin
	cmd.Stdout, cmd.Stderr, cmd.Env = l.Log, l.Log, Environment()
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(l.Program), err)
	}
	p := &Process{cmd: cmd, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// Environment is this process's own without what would change what dz does: its
// own variables, which win over a configuration, and proxies.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "DZ_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY")
	})
}

// Ended is closed after the process.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Running reports whether the process lives.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill ends the process at once (SIGKILL), and returns when it is gone.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	p.cancel()
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("it had ended by itself: %w", p.exit())
	}
	return err
}

// Terminate tells the process to end (SIGTERM), and returns when it has. The
// error says that it did not end with 0.
func (p *Process) Terminate() error {
	p.cancel()
	<-p.ended
	return p.exit()
}

// exit says how the process ended: nil for 0, also if it was told to.
func (p *Process) exit() error {
	if p.cmd.ProcessState.Success() {
		return nil // exec says context.Canceled where it was told to
	}
	return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), p.cmd.ProcessState)
}

// Memory is what a process has in RAM, in bytes.
type Memory struct {
	Peak int64 // the most there was at a time, mapped files included
	Now  int64
	Anon int64 // of now, without mapped files
}

// Memory reads /proc.
func (p *Process) Memory() (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
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

// Until asks whether something is so, for limit at the longest, and every so
// often: less often if asking takes long, so that it disturbs little.
func Until(ctx context.Context, every, limit time.Duration, what string, so func() (bool, error)) error {
	begun := time.Now()
	for {
		asked := time.Now()
		ok, err := so()
		if ok || err != nil {
			return err
		}
		if time.Since(begun) > limit {
			return fmt.Errorf("%s: not so after %v", what, limit)
		}
		if err := Pause(ctx, max(every, 10*time.Since(asked))); err != nil {
			return err
		}
	}
}

// Pause lets time pass.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
