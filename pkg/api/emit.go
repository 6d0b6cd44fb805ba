package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// Bounds of giving events to the API.
const (
	// MaxEmitBody is how many bytes of events one request may hold. The client
	// spreads longer input over several.
	MaxEmitBody = 64 << 20
	// MaxEmitRejected is how many rejected lines an answer lists; more are
	// counted, and found in the list of rejected input.
	MaxEmitRejected = 100
	// emitChunk is after how many bytes the client ends a request, at the next
	// line.
	emitChunk = 32 << 20
)

// Emit gives events to the daemon, one JSON object a line, as they are read from
// r. With an error comes what was accepted before it.
func (c *Client) Emit(ctx context.Context, r io.Reader) (EmitResult, error) {
	return c.emit(ctx, r, emitChunk)
}

func (c *Client) emit(ctx context.Context, r io.Reader, chunkSize int) (EmitResult, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	total := EmitResult{Rejected: []Rejected{}}
	var offset int64
	for {
		if _, err := lines.Peek(1); errors.Is(err, io.EOF) {
			return total, nil
		}
		chunk := &chunkReader{lines: lines, left: chunkSize, atStart: true}
		result, err := c.emitOnce(ctx, chunk)
		total.add(result, offset)
		if chunk.err != nil {
			return total, chunk.err
		}
		if err != nil {
			return total, err
		}
		offset += chunk.read
	}
}

func (c *Client) emitOnce(ctx context.Context, body io.Reader) (EmitResult, error) {
	var result EmitResult
	response, err := c.do(ctx, http.MethodPost, route("events"), nil, "application/x-ndjson", body)
	if err != nil {
		return result, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&result); err != nil {
		return EmitResult{}, c.explain(ctx, err)
	}
	return result, nil
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

// chunkReader reads whole lines until at least left bytes are read.
type chunkReader struct {
	lines   *bufio.Reader
	left    int
	atStart bool // of a line
	read    int64
	err     error // of the input, not of the request
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if r.left <= 0 && r.atStart {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	// What is buffered now, at least one byte.
	if _, err := r.lines.Peek(1); err != nil {
		if !errors.Is(err, io.EOF) {
			r.err = err
		}
		return 0, err
	}
	buffered, err := r.lines.Peek(min(len(p), r.lines.Buffered()))
	if err != nil {
		return 0, err
	}
	if r.left <= len(buffered) {
		// The end may lie in here: stop behind the first newline that is far
		// enough.
		buffered = throughNewline(buffered, max(r.left-1, 0))
	}
	n := copy(p, buffered)
	if _, err := r.lines.Discard(n); err != nil {
		return 0, err
	}
	r.left -= n
	r.read += int64(n)
	r.atStart = p[n-1] == '\n'
	return n, nil
}

// throughNewline cuts data behind the first newline at or after from, or nowhere
// without one.
func throughNewline(data []byte, from int) []byte {
	for i := from; i < len(data); i++ {
		if data[i] == '\n' {
			return data[:i+1]
		}
	}
	return data
}
