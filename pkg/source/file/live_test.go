package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/source"
)

// receive runs a source as the daemon does, until it has handed over n events or
// the time is up.
func receive(t *testing.T, src *Source, n int, each func(received int)) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var ids []string
	for len(ids) < n {
		batch, err := src.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d events, the last %s: %v (%+v)\n%s", len(ids), n, ids[len(ids)-1], err, src.Status(), describe(src, ids))
		}
		if isEmpty(batch) {
			t.Fatal("an empty batch")
		}
		if len(batch.Rejected) > 0 {
			t.Fatalf("rejected: %s: %q", batch.Rejected[0].Reason, batch.Rejected[0].Line)
		}
		for _, e := range batch.Events {
			ids = append(ids, e.ID)
		}
		src.Ack()
		if each != nil {
			each(len(ids))
		}
	}
	return ids
}

// describe shows what a source knows, for a test that failed.
func describe(src *Source, ids []string) string {
	text := fmt.Sprintf("born %v unsettled %v\n", src.born, src.unsettled)
	for _, st := range src.streams {
		text += fmt.Sprintf("%s %s %v open %v offset %d size %d done %v rotated %v lost %v since %v\n", st.key, filepath.Base(st.name), st.id, st.content != nil, st.mark.offset,
			st.size, st.done, !st.rotated.IsZero(), !st.lost.IsZero(), st.since)
	}
	for _, e := range src.list().entries {
		text += fmt.Sprintf("%s %v size %d modified %v\n", filepath.Base(e.path), e.id, e.size, e.modified)
	}
	for i, id := range ids {
		if want := fmt.Sprintf("e%d", i); id != want {
			return text + fmt.Sprintf("event %d is %s", i, id)
		}
	}
	return text
}

func open(t *testing.T, pattern string, opts Options) *Source {
	t.Helper()
	src, err := New("spool", pattern, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src
}

// A writer that rotates ten times while dz reads: no line is lost, none is
// doubled, none is out of order.
func TestConcurrentRotation(t *testing.T) {
	t.Parallel()
	const total, rotations = 20_000, 10
	for _, copying := range []bool{false, true} {
		name := "rename and create"
		if copying {
			name = "copytruncate"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), log)
			src := open(t, path, Options{PollInterval: 2 * time.Millisecond, Grace: 200 * time.Millisecond, NoWatch: copying})
			if _, err := src.Next(t.Context()); err != nil { // it knows the path, so whatever comes is news
				t.Fatal(err)
			}
			received := make(chan int, total)
			done := make(chan error, 1)
			go func() { done <- writeAndRotate(path, total, rotations, copying, received) }()
			ids := receive(t, src, total, func(n int) {
				if copying {
					received <- n
				}
			})
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids, sequence(0, total)) {
				t.Fatal(describe(src, ids))
			}
		})
	}
}

// writeAndRotate writes lines in pieces that end anywhere. Before it copies and
// truncates, it waits until everything was received.
func writeAndRotate(path string, total, rotations int, copying bool, received <-chan int) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 777)
	for n := range total {
		if n > 0 && n%(total/rotations) == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
			old := fmt.Sprintf("%s-%03d", path, n/(total/rotations))
			if copying {
				for got := 0; got < n; {
					got = <-received
				}
				if err := copyAndTruncate(path, old); err != nil {
					return err
				}
			} else {
				if err := os.Rename(path, old); err != nil {
					return err
				}
				if f, err = reopen(f, path); err != nil {
					return err
				}
				w.Reset(f)
			}
		}
		if _, err := w.WriteString(line(fmt.Sprintf("e%d", n)) + "\n"); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

func reopen(f *os.File, path string) (*os.File, error) {
	if err := f.Close(); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func copyAndTruncate(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		return err
	}
	return os.Truncate(from, 0)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// With a watch, a change is noticed long before the next poll.
func TestWatchWakesTheSource(t *testing.T) {
	t.Parallel()
	for _, name := range []string{log, "*.ndjson"} {
		dir := t.TempDir()
		path := filepath.Join(dir, log)
		appendTo(t, path, lines("a"))
		src := open(t, filepath.Join(dir, name), Options{PollInterval: time.Hour})
		receive(t, src, 1, nil)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan source.Batch)
		failed := make(chan error, 1)
		go func() {
			batch, err := src.Next(ctx)
			failed <- err
			got <- batch
		}()
		waitFor(t, func() bool { return src.Status().CaughtUp })
		if src.watch.notify == nil {
			cancel()
			t.Skip("no watch on this system")
		}
		appendTo(t, path, lines("b"))
		if err := <-failed; err != nil {
			t.Error(err)
		}
		if batch := <-got; len(batch.Events) != 1 || batch.Events[0].ID != "b" {
			t.Errorf("%+v", batch)
		}
		cancel()
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition did not come true")
		}
	}
}

func TestPollingAloneIsEnough(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), log)
	src := open(t, path, Options{PollInterval: time.Millisecond, NoWatch: true})
	go appendTo(t, path, lines("a", "b"))
	receive(t, src, 2, nil)
	if src.watch.notify != nil {
		t.Error("there is a watch")
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	src := open(t, filepath.Join(t.TempDir(), log), Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	for {
		batch, err := src.Next(ctx)
		if err == nil && !isEmpty(batch) {
			continue // that the pattern is known now
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v", err)
		}
		return
	}
}

// Status may be asked for at any time.
func TestStatusWhileReading(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), log)
	src := open(t, path, Options{PollInterval: time.Millisecond})
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				src.Status()
				runtime.Gosched()
			}
		}
	}()
	appendTo(t, path, lines(sequence(0, 1000)...))
	receive(t, src, 1000, nil)
	close(stop)
	<-ended
}
