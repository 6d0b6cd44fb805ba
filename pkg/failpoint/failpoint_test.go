package failpoint_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

// build builds a program, with the tag torture or without.
func build(t *testing.T, pkg string, tags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	args := append([]string{"build", "-o", program}, tags...)
	if text, err := exec.CommandContext(t.Context(), "go", append(args, pkg)...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return program
}

// traces returns what is left of this package in a program.
func traces(t *testing.T, program string) []string {
	t.Helper()
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(symbols)) {
		if strings.Contains(line, "failpoint") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{failpoint.Variable, failpoint.ClockVariable, string(failpoint.RestoreRenamed)} {
		if bytes.Contains(text, []byte(word)) {
			found = append(found, word)
		}
	}
	return found
}

func TestTheProductHasNoTraceOfPoints(t *testing.T) {
	t.Parallel()
	if found := traces(t, build(t, "../..")); len(found) > 0 {
		t.Errorf("dz holds %q", found)
	}
	if found := traces(t, build(t, "../..", "-tags", "torture")); len(found) < 3 {
		t.Errorf("dz for torture holds only %q: this test would find nothing", found)
	}
}

// run runs the program of testdata with a variable set.
func run(t *testing.T, program, variable, value string) (stdout string, state *os.ProcessState) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), variable+"="+value)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return string(text) + stderr.String(), cmd.ProcessState
}

func TestAProcessEndsAtItsPoint(t *testing.T) {
	t.Parallel()
	program := build(t, "./testdata/program", "-tags", "torture")
	says, state := run(t, program, failpoint.Variable, failpoint.Arm(failpoint.Kill, failpoint.Applied, 3))
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("the process ended with %v, not by SIGKILL", state)
	}
	if want := "applied 1\napplied 2\n"; says != want {
		t.Errorf("it got to %q, want %q", says, want)
	}
	if says, state = run(t, program, failpoint.Variable, failpoint.Arm(failpoint.Kill, failpoint.Applied, 4)); !state.Success() {
		t.Errorf("a point that is not reached so often ends the process: %v, %s", state, says)
	}
	for _, mistake := range []string{"kill", "kill:nowhere:1", "kill:applied:0", "maim:applied:1"} {
		if says, state := run(t, program, failpoint.Variable, mistake); state.Success() || !strings.Contains(says, failpoint.Variable) {
			t.Errorf("%s=%s: %v, %s", failpoint.Variable, mistake, state, says)
		}
	}
}

func TestAProcessStandsStillAtItsPoint(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), build(t, "./testdata/program", "-tags", "torture"))
	cmd.Env = append(os.Environ(), failpoint.Variable+"="+failpoint.Arm(failpoint.Stop, failpoint.Applied, 2))
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the process is not stopped: %v, %v", status, err)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "applied 3") {
		t.Errorf("it does not go on: %s", stdout.String())
	}
}

func TestASetClockMovesTheDateAndNotWhatHasPassed(t *testing.T) {
	t.Parallel()
	off := filepath.Join(t.TempDir(), "off")
	if err := os.WriteFile(off, []byte("1h"), 0o600); err != nil {
		t.Fatal(err)
	}
	says, state := run(t, build(t, "./testdata/program", "-tags", "torture"), failpoint.ClockVariable, off)
	if !state.Success() || !strings.Contains(says, "by the clock -119 min, passed 0 min\ndate moved 2h0m0s\n") {
		t.Errorf("%v: %s", state, says)
	}
}
