package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Bounds of giving events to the API.
const (
	// MaxEmitBody is how many bytes of events one request may hold. The client
	// spreads longer input over several.
	MaxEmitBody = 64 << 20
	// MaxEmitRejected is how many rejected lines an answer lists; more are
	// counted, and found in the list of rejected input.
	MaxEmitRejected = 100

	// The client ends a request at the end of a line when it holds so many
	// bytes, or when the input has stood still for so long: a pipe may stay
	// open for days, and its events are not to wait for its end.
	emitChunk = 32 << 20
	emitPause = 200 * time.Millisecond
)

// Emit gives events to the daemon, one JSON object a line, as they are read from
// r. With an error comes what the requests before it did. A read of r that is
// under way when ctx ends is not waited for.
func (c *Client) Emit(ctx context.Context, r io.Reader) (EmitResult, error) {
	return c.emit(ctx, r, emitChunk)
}

func (c *Client) emit(ctx context.Context, r io.Reader, chunkSize int64) (EmitResult, error) {
	total := EmitResult{Rejected: []Rejected{}}
	err := inRequests(ctx, r, chunkSize, func(ctx context.Context, body io.Reader, offset int64) error {
		result, err := send[EmitResult](ctx, c, route("events"), nil, body)
		total.add(result, offset)
		return err
	})
	return total, err
}

// inRequests sends what is read from r in requests of whole lines, as long as
// size or a little longer. request makes one, of what begins at offset.
func inRequests(ctx context.Context, r io.Reader, size int64, request func(ctx context.Context, body io.Reader, offset int64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := pump(ctx, r)
	var offset int64
	for {
		more, err := in.wait(ctx)
		if err != nil || !more {
			return err
		}
		reading, stopReading := context.WithCancel(ctx)
		chunk := &chunkReader{ctx: reading, in: in, size: size, lineStart: true}
		err = request(ctx, chunk, offset)
		stopReading()
		sent, inputErr := chunk.stop()
		if inputErr != nil {
			return fmt.Errorf("read input: %w", inputErr)
		}
		if err != nil {
			return err
		}
		offset += sent
	}
}

// send sends lines in one request, and reads its JSON answer.
func send[T any](ctx context.Context, c *Client, path string, query url.Values, body io.Reader) (T, error) {
	var answer T
	response, err := c.do(ctx, http.MethodPost, path, query, "application/x-ndjson", body)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		var none T
		return none, c.explain(ctx, fmt.Errorf("read answer: %w", err))
	}
	return answer, nil
}

// add adds the result of a request whose first byte lies at offset.
func (t *EmitResult) add(result EmitResult, offset int64) {
	t.Accepted += result.Accepted
	t.RejectedCount += result.RejectedCount
	for _, rejected := range result.Rejected {
		if len(t.Rejected) == MaxEmitRejected {
			return
		}
		rejected.Offset += offset
		t.Rejected = append(t.Rejected, rejected)
	}
}

// input is what has been read and not been sent yet.
type input struct {
	pieces <-chan piece
	left   []byte // of the last piece
	err    error  // the input's end; no piece follows
}

// piece is what one read returned.
type piece struct {
	data []byte
	err  error
}

// pump reads r by itself, so that waiting for it can be given up.
func pump(ctx context.Context, r io.Reader) *input {
	pieces := make(chan piece)
	go func() {
		for {
			data := make([]byte, 64<<10)
			n, err := r.Read(data)
			select {
			case pieces <- piece{data[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return &input{pieces: pieces}
}

// wait waits for more input; it reports false at its end.
func (in *input) wait(ctx context.Context) (bool, error) {
	if err := in.fill(ctx, nil); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read input: %w", err)
	}
	return len(in.left) > 0, nil
}

// errPause says that the input stood still.
var errPause = errors.New("no input for a while")

// fill waits until something is left to send, the input ends, or pause says that
// it takes too long (nil: never).
func (in *input) fill(ctx context.Context, pause <-chan time.Time) error {
	for len(in.left) == 0 {
		if in.err != nil {
			return in.err
		}
		select {
		case p := <-in.pieces:
			in.left, in.err = p.data, p.err
		case <-pause:
			return errPause
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// chunkReader is the body of one request: whole lines of the input. net/http may
// still read it when the request is over, until it is stopped.
type chunkReader struct {
	ctx  context.Context //nolint:containedctx // io.Reader has no room for it; it is that of the one request
	in   *input
	size int64

	mu        sync.Mutex
	sent      int64
	lineStart bool
	stopped   bool
	err       error // of the input
}

// stop ends the chunk, whose context has ended, and returns how long it was and
// what went wrong in reading it.
func (r *chunkReader) stop() (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	return r.sent, r.err
}

// Read ends at the end of a line, or with the input.
func (r *chunkReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || (r.lineStart && r.sent >= r.size) {
		return 0, io.EOF
	}
	var pause <-chan time.Time
	if r.lineStart && r.sent > 0 {
		timer := time.NewTimer(emitPause)
		defer timer.Stop()
		pause = timer.C
	}
	if err := r.in.fill(r.ctx, pause); err != nil {
		if errors.Is(err, errPause) || errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		r.err = r.in.err // nil if it was the context that ended
		return 0, err
	}
	data := r.in.left
	if end := r.size - r.sent; int64(len(data)) >= end {
		// The chunk ends with the first line that ends beyond its size.
		from := max(end-1, 0)
		if newline := bytes.IndexByte(data[from:], '\n'); newline >= 0 {
			data = data[:from+int64(newline)+1]
		}
	}
	n := copy(p, data)
	if n > 0 {
		r.lineStart = data[n-1] == '\n'
	}
	r.in.left = r.in.left[n:]
	r.sent += int64(n)
	return n, nil
}
