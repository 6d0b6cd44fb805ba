// Package process owns the processes that a script starts: it ends them by
// their ids and no other way, and reads what they cost.
//
// It guarantees that a process does not outlive its context by more than the
// time it is given to end. It must not know what program runs.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	Dir     string    // "" is this process's own
	Stdin   io.Reader // nil: there is none
	Stdout  io.Writer // nil: it goes to Log
	Log     io.Writer // for stderr
	Extra   []string  // variables, NAME=value, beside those of Environment
}

// Process is one that was started here.
type Process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{}
}

// Start starts a process. It is told to end when ctx ends.
func Start(ctx context.Context, l Launch) (*Process, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, l.Program, l.Args...) //nolint:gosec // it is the program to test
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = EndWithin
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = l.Dir, l.Stdin, l.Stdout, l.Log, append(Environment(), l.Extra...)
	if l.Stdout == nil {
		cmd.Stdout = l.Log
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(l.Program), err)
	}
	p := &Process{cmd: cmd, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // ProcessState says how it ended
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

// Alive returns an error that says how the process ended, if it did.
func (p *Process) Alive() error {
	if p.Running() {
		return nil
	}
	return p.ending()
}

// Wait waits for a process that ends by itself. The error says that it did not
// end with 0.
func (p *Process) Wait() error {
	<-p.ended
	p.cancel()
	return p.exit()
}

// Kill ends the process at once (SIGKILL), and returns when it is gone.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	p.cancel()
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("it had ended by itself: %w", p.ending())
	}
	return err
}

// EndedBy returns the signal that has ended the process; 0 if none has.
func (p *Process) EndedBy() syscall.Signal {
	<-p.ended
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// StandsStill reports whether the process is stopped (SIGSTOP).
func (p *Process) StandsStill() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return false // it is gone
	}
	_, state, _ := strings.Cut(string(text), ") ") // behind the name, in parentheses
	return strings.HasPrefix(state, "T")
}

// Terminate tells the process to end (SIGTERM), and returns when it has. The
// error says that it did not end with 0.
func (p *Process) Terminate() error {
	p.cancel()
	<-p.ended
	return p.exit()
}

// exit is nil for a process that ended with 0, also if it was told to.
func (p *Process) exit() error {
	if p.cmd.ProcessState.Success() {
		return nil // exec says context.Canceled where it was told to
	}
	return p.ending()
}

// ending says how the process ended.
func (p *Process) ending() error {
	return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), p.cmd.ProcessState)
}
