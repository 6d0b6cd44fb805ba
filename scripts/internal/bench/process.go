package main

import (
	"bytes"
	"cmp"
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

// endWithin is how long a process may take to end when it is told to.
const endWithin = 20 * time.Second

// process is one that was started here. It is ended by its id and no other way.
type process struct {
	cmd   *exec.Cmd
	tell  context.CancelFunc // it to end
	ended chan struct{}      // closed after the process
	err   error              // how it ended
}

// launch says what to start.
type launch struct {
	program     string
	args        []string
	stdin       io.Reader
	stdout, log io.Writer // log is for stderr
}

func (l launch) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, l.program, l.args...) //nolint:gosec // it is the program to measure
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	cmd.Stdin, cmd.Stdout, cmd.Stderr = l.stdin, l.stdout, l.log
	cmd.Env = environment()
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(l.program), err)
	}
	p := &process{cmd: cmd, tell: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// environment is this process's own without the variables of dz, which would
// win over the configuration that is measured.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "DZ_") })
}

// stop tells the process to end, and waits for it.
func (p *process) stop() error {
	p.tell()
	<-p.ended
	if errors.Is(p.err, context.Canceled) {
		return nil // it ended as it was told to
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGTERM {
			return nil // likewise, for a program that does not catch the signal
		}
	}
	return p.err
}

// finish waits for a process that ends by itself, and returns the processor
// time it took.
func (p *process) finish() (time.Duration, error) {
	defer p.tell()
	<-p.ended
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), p.err
}

// running reports that the process has ended, which it should not have.
func (p *process) running() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %w", filepath.Base(p.cmd.Path), cmp.Or(p.err, errors.New("without an error")))
	default:
		return nil
	}
}

func (p *process) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}

// cpu returns the processor time taken so far, in user and system, of all
// threads that still live.
func (p *process) cpu() (time.Duration, error) {
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
		nanos, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		sum += time.Duration(nanos)
	}
	return sum, nil
}

// memory is what a process has in RAM, in bytes.
type memory struct {
	peak      int64 // the most there was at a time, mapped files included
	now       int64
	anonymous int64 // of now, without mapped files
}

func (p *process) memory() (memory, error) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return memory{}, fmt.Errorf("read memory: %w", err)
	}
	var m memory
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue // a line of another kind
		}
		switch fields[0] {
		case "VmHWM:":
			m.peak = kib << 10
		case "VmRSS:":
			m.now = kib << 10
		case "RssAnon:":
			m.anonymous = kib << 10
		}
	}
	if m.peak == 0 {
		return memory{}, errors.New("read memory: /proc does not tell it")
	}
	return m, nil
}

// longestPause bounds how far apart until asks.
const longestPause = time.Second

// until asks whether something is so, for limit at the longest, and every so
// often: less often if asking takes long, so that it disturbs little.
func until(ctx context.Context, every, limit time.Duration, what string, so func() (bool, error)) error {
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
		if err := pause(ctx, max(every, min(10*time.Since(asked), longestPause))); err != nil {
			return err
		}
	}
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
