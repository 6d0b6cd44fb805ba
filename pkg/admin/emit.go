package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

const (
	typeNDJSON = "application/x-ndjson"
	typeJSON   = "application/json"

	// A part of what is given is handed to the service when it holds so many
	// lines, or so many bytes of them.
	maxPartLines = 1000
	maxPartBytes = 4 << 20
	// maxRejectedLine is how much of a line that is rejected is kept, in bytes.
	maxRejectedLine = 4 << 10
)

// emitInput is a request whose body is read while it is worked on.
type emitInput struct {
	mediaType string
	body      io.Reader
}

var _ huma.Resolver = (*emitInput)(nil)

// Resolve takes the body as a stream.
func (in *emitInput) Resolve(ctx huma.Context) []error {
	// A media type that can't be read is one that is not known.
	in.mediaType, _, _ = mime.ParseMediaType(ctx.Header("Content-Type"))
	in.body = ctx.BodyReader()
	return nil
}

func (s *Server) emit(ctx context.Context, in *emitInput) (api.EmitResult, error) {
	e := &emission{
		ctx:    ctx,
		events: s.service,
		now:    time.Now(),
		result: api.EmitResult{Rejected: []api.Rejected{}},
	}
	var err error
	switch in.mediaType {
	case typeNDJSON, "application/ndjson", "application/jsonl":
		err = e.lines(in.body)
	case typeJSON, "application/cloudevents+json":
		err = e.single(in.body)
	default:
		return e.result, &problem{http.StatusUnsupportedMediaType, invalid(
			"send application/x-ndjson, or application/json for a single event",
			"events of the content type that was sent can't be read")}
	}
	if err == nil {
		err = e.flush()
	}
	return e.result, e.explain(err)
}

// emission hands events on in parts while they are read.
type emission struct {
	ctx    context.Context //nolint:containedctx // lives as long as the one request that it belongs to
	events Events
	now    time.Time
	result api.EmitResult

	// The part that is being gathered.
	part     []event.Event
	rejected []api.Rejected
	bytes    int
}

// lines reads one event a line. A line that is too long is skipped in bounded
// memory.
func (e *emission) lines(body io.Reader) error {
	bounded := http.MaxBytesReader(nil, io.NopCloser(body), api.MaxEmitBody)
	reader := bufio.NewReaderSize(bounded, 64<<10)
	var offset int64
	for {
		line, length, err := readLine(reader)
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return err
		}
		if length > 0 {
			if err := e.take(line, offset, length); err != nil {
				return err
			}
		}
		if atEnd {
			return nil
		}
		offset += length
	}
}

// readLine returns the next line with its end, at most so much of it that its
// being too long shows, and its whole length.
func readLine(r *bufio.Reader) (line []byte, length int64, err error) {
	const most = event.MaxLineLength + len("\r\n") + 1
	for {
		piece, err := r.ReadSlice('\n')
		length += int64(len(piece))
		line = append(line, piece[:min(len(piece), most-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, length, err
		}
	}
}

// single reads one event that may spread over several lines.
func (e *emission) single(body io.Reader) error {
	bounded := http.MaxBytesReader(nil, io.NopCloser(body), event.MaxLineLength)
	raw, err := io.ReadAll(bounded)
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	line := raw
	if json.Compact(&compact, raw) == nil {
		line = compact.Bytes()
	} // else decoding says what is wrong with it
	return e.take(line, 0, int64(len(raw)))
}

// take adds a line to the part. Lines of nothing but white space are no events
// and no mistakes.
func (e *emission) take(line []byte, offset, length int64) error {
	if offset == 0 {
		line = bytes.TrimPrefix(line, []byte("\ufeff")) // a byte-order mark
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	decoded, err := event.Decode(line)
	if err != nil {
		e.reject(line, offset, length, err)
	} else {
		e.part = append(e.part, decoded)
		e.bytes += len(line)
	}
	if len(e.part)+len(e.rejected) >= maxPartLines || e.bytes >= maxPartBytes {
		return e.flush()
	}
	return nil
}

func (e *emission) reject(line []byte, offset, length int64, reason error) {
	beginning := line[:min(len(line), maxRejectedLine)]
	e.rejected = append(e.rejected, api.Rejected{
		Time:   e.now,
		Offset: offset,
		Length: length,
		Reason: reason.Error(),
		Line:   string(beginning),
	})
	e.bytes += len(beginning)
}

// flush hands the part on and counts it.
func (e *emission) flush() error {
	if len(e.part)+len(e.rejected) == 0 {
		return nil
	}
	if err := e.events.Emit(e.ctx, e.part, e.rejected); err != nil {
		return err
	}
	e.result.Accepted += len(e.part)
	e.result.RejectedCount += len(e.rejected)
	room := api.MaxEmitRejected - len(e.result.Rejected)
	e.result.Rejected = append(e.result.Rejected, e.rejected[:min(len(e.rejected), room)]...)
	e.part, e.rejected, e.bytes = nil, nil, 0
	return nil
}

// explain says how far it came before an error.
func (e *emission) explain(err error) error {
	var tooLong *http.MaxBytesError
	var expected *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLong):
		return &problem{http.StatusRequestEntityTooLarge, invalid("send it in parts; "+e.progress(),
			"the request's body is longer than %d bytes", tooLong.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{http.StatusRequestTimeout, invalid("send it without pauses; "+e.progress(),
			"the request's body stood still for too long")}
	case errors.As(err, &expected):
		told := *expected
		if told.Hint != "" {
			told.Hint += "; "
		}
		told.Hint += e.progress()
		return &told
	default:
		return fmt.Errorf("take events: %w", err)
	}
}

func (e *emission) progress() string {
	return fmt.Sprintf("the first %d events of the request were accepted", e.result.Accepted)
}
