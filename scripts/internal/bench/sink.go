package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// sink is a receiver in a process of its own.
type sink struct {
	*process.Process
	addresses
	hold *os.File // the receiver's stdin, which keeps it alive
}

func startSink(ctx context.Context, log io.Writer) (s *sink, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stdout.Close()) }()
	stdin, hold, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	defer func() { err = errors.Join(err, stdin.Close()) }()
	p, err := process.Start(ctx, process.Launch{Program: program, Args: []string{receiveCommand}, Stdin: stdin, Stdout: stdout, Log: log})
	if err != nil {
		return nil, errors.Join(err, out.Close(), hold.Close())
	}
	s = &sink{Process: p, hold: hold}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.addresses)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("start receiver: %w", err), s.stop())
	}
	return s, nil
}

func (s *sink) stop() error {
	return errors.Join(s.hold.Close(), s.Terminate())
}

func (s *sink) reset(ctx context.Context, objects int) error {
	_, err := s.ask(ctx, http.MethodPost, "/reset?objects="+strconv.Itoa(objects))
	return err
}

func (s *sink) goDown(ctx context.Context) error { return s.post(ctx, "/down") }
func (s *sink) comeUp(ctx context.Context) error { return s.post(ctx, "/up") }

// mark begins to count probes.
func (s *sink) mark(ctx context.Context) error { return s.post(ctx, "/mark") }

func (s *sink) post(ctx context.Context, path string) error {
	_, err := s.ask(ctx, http.MethodPost, path)
	return err
}

func (s *sink) tally(ctx context.Context) (tally, error) {
	var t tally
	text, err := s.ask(ctx, http.MethodGet, "/tally")
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(text, &t)
	return t, err
}

// arrivals returns when each object's first request came, in Unix nanoseconds.
func (s *sink) arrivals(ctx context.Context) ([]int64, error) {
	text, err := s.ask(ctx, http.MethodGet, "/arrivals")
	if err != nil {
		return nil, err
	}
	arrivals := make([]int64, len(text)/8)
	for i := range arrivals {
		arrivals[i] = int64(binary.LittleEndian.Uint64(text[8*i:]))
	}
	return arrivals, nil
}

func (s *sink) ask(ctx context.Context, method, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.Control+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask receiver: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("ask receiver for %s: %s", path, answer.Status)
	}
	return text, err
}

// waitDistinct waits until that many objects have arrived.
func (s *sink) waitDistinct(ctx context.Context, objects int, limit time.Duration) (tally, error) {
	var t tally
	err := process.Until(ctx, 20*time.Millisecond, limit, fmt.Sprintf("%d objects have arrived", objects), func() (bool, error) {
		var err error
		t, err = s.tally(ctx)
		return t.Distinct >= int64(objects), err
	})
	if err != nil {
		err = fmt.Errorf("%w (%d have)", err, t.Distinct)
	}
	return t, err
}
