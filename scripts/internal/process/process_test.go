package process

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, l Launch) *Process {
	t.Helper()
	if l.Log == nil {
		l.Log = io.Discard
	}
	p, err := Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// script starts a shell that says "ready", so that its traps are set.
func script(t *testing.T, text string) *Process {
	t.Helper()
	out, in := io.Pipe()
	p := start(t, Launch{Program: "sh", Args: []string{"-c", text}, Stdout: in})
	if _, err := io.ReadFull(out, make([]byte, len("ready"))); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAProcessEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	p := script(t, `trap 'exit 0' TERM; printf ready; while :; do sleep 0.01; done`)
	if err := p.Alive(); err != nil {
		t.Errorf("right after the start: %v", err)
	}
	if err := p.Terminate(); err != nil {
		t.Errorf("terminate: %v", err)
	}
	if p.Running() {
		t.Error("it runs after its end")
	}
	if err := p.Alive(); err == nil || !strings.Contains(err.Error(), "exit status 0") {
		t.Errorf("error %v, want one that says how it ended", err)
	}
}

func TestHowAProcessEndedIsToldIfItWasNotInOrder(t *testing.T) {
	t.Parallel()
	p := script(t, `trap 'exit 3' TERM; printf ready; while :; do sleep 0.01; done`)
	if err := p.Terminate(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("terminate: %v, want exit status 3", err)
	}
	if err := p.Kill(); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("kill of what has ended: %v", err)
	}
}

func TestAProcessThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	p := start(t, Launch{Program: "false"})
	if err := p.Wait(); err == nil {
		t.Error("Wait hides that it failed")
	}
	if p.Running() || p.Alive() == nil {
		t.Error("it is taken to run")
	}
	if err := start(t, Launch{Program: "true"}).Wait(); err != nil {
		t.Errorf("true: %v", err)
	}
}

func TestInputAndOutputGoWhereTheLaunchSays(t *testing.T) {
	t.Parallel()
	var out, log strings.Builder
	dir := t.TempDir()
	p := start(t, Launch{
		Program: "sh", Args: []string{"-c", "cat; echo $NAMED; >place; echo problem >&2"}, Dir: dir,
		Extra: []string{"NAMED=more"},
		Stdin: strings.NewReader("data"), Stdout: &out, Log: &log,
	})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if out.String() != "datamore\n" || log.String() != "problem\n" {
		t.Errorf("stdout %q, log %q", out.String(), log.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "place")); err != nil {
		t.Errorf("it was not started in its folder: %v", err)
	}
	var both strings.Builder
	if err := start(t, Launch{Program: "sh", Args: []string{"-c", "echo a; echo b >&2"}, Log: &both}).Wait(); err != nil {
		t.Fatal(err)
	}
	if both.String() != "a\nb\n" {
		t.Errorf("log %q without a writer for stdout, want both", both.String())
	}
}

func TestTheCostOfAProcessIsRead(t *testing.T) {
	t.Parallel()
	p := script(t, `trap 'exit 0' TERM; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; printf ready; while :; do sleep 0.01; done`)
	m, err := p.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if m.Now <= 0 || m.Peak < m.Now || m.Anon <= 0 || m.Anon > m.Now {
		t.Errorf("memory %+v", m)
	}
	running, err := p.CPU()
	if err != nil || running <= 0 {
		t.Errorf("processor time %v, %v", running, err)
	}
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	// The kernel counts both, but not to the same nanosecond.
	const tick = 10 * time.Millisecond
	if all, err := p.CPU(); err != nil || all < running-tick {
		t.Errorf("processor time %v after its end, %v; it had taken %v before", all, err, running)
	}
}

func TestVariablesThatWouldChangeDzAreLeftOut(t *testing.T) {
	t.Setenv("DZ_STORE_PATH", "/elsewhere")
	t.Setenv("https_proxy", "http://proxy.example")
	t.Setenv("KEPT", "yes")
	all := strings.Join(Environment(), "\n")
	if strings.Contains(all, "DZ_STORE_PATH") || strings.Contains(all, "https_proxy") || !strings.Contains(all, "KEPT=yes") {
		t.Errorf("environment:\n%s", all)
	}
}

func TestUntilAsksAgainAndGivesUp(t *testing.T) {
	t.Parallel()
	asked := 0
	err := Until(t.Context(), time.Millisecond, time.Minute, "three", func() (bool, error) {
		asked++
		return asked == 3, nil
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	never := func() (bool, error) { return false, nil }
	if err := Until(t.Context(), time.Millisecond, time.Millisecond, "never", never); !errors.Is(err, ErrNotSo) {
		t.Errorf("error %v after the limit", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Until(ctx, time.Millisecond, time.Minute, "never", never); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the context's end", err)
	}
}

func TestAStoppedProcessStandsStill(t *testing.T) {
	t.Parallel()
	p := start(t, Launch{Program: "sleep", Args: []string{"60"}})
	for _, still := range []bool{true, false} {
		signal := syscall.SIGCONT
		if still {
			signal = syscall.SIGSTOP
		}
		if err := p.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := Until(t.Context(), time.Millisecond, 10*time.Second, "it is as it was told", func() (bool, error) {
			return p.StandsStill() == still, nil
		})
		if err != nil {
			t.Errorf("after %v: %v", signal, err)
		}
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if by := p.EndedBy(); by != syscall.SIGKILL || p.StandsStill() {
		t.Errorf("after a kill: ended by %v, stands still: %t", by, p.StandsStill())
	}
}

func TestVariablesAreAdded(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := start(t, Launch{Program: "sh", Args: []string{"-c", "printf %s \"$MORE\""}, Extra: []string{"MORE=of it"}, Stdout: &out})
	if err := p.Wait(); err != nil || out.String() != "of it" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
