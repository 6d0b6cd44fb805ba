package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestProcessEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	p, err := launch{program: "sleep", args: []string{"60"}, stdout: io.Discard, log: io.Discard}.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.running(); err != nil {
		t.Errorf("right after the start: %v", err)
	}
	if err := p.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if p.running() == nil {
		t.Error("it runs after its stop")
	}
}

func TestProcessThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	p, err := launch{program: "false", stdout: io.Discard, log: io.Discard}.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.finish(); err == nil {
		t.Error("finish hides that it failed")
	}
	if p.running() == nil {
		t.Error("it is taken to run")
	}
}

func TestUntilAsksAgainAndGivesUp(t *testing.T) {
	t.Parallel()
	asked := 0
	err := until(t.Context(), time.Millisecond, time.Minute, "three", func() (bool, error) {
		asked++
		return asked == 3, nil
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	never := func() (bool, error) { return false, nil }
	if err := until(t.Context(), time.Millisecond, time.Millisecond, "never", never); err == nil {
		t.Error("it did not give up")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := until(ctx, time.Millisecond, time.Minute, "never", never); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the context's end", err)
	}
}
