package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

const (
	// A part of what is given is handed to the service when it holds so many
	// lines, or so many bytes of them.
	maxPartLines = 1000
	maxPartBytes = 4 << 20
	// maxRejectedLine is how much of a line that is rejected is kept, in bytes.
	maxRejectedLine = 4 << 10
)

func (s *Server) emit(ctx context.Context, in *streamInput) (api.EmitResult, error) {
	e := &emission{
		ctx:    ctx,
		events: s.service,
		now:    time.Now(),
		result: api.EmitResult{Rejected: []api.Rejected{}},
	}
	var err error
	switch in.mediaType {
	case typeNDJSON, typeNDJSONToo, typeJSONL:
		err = eachLine(in.body, e.take)
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
	return e.result, explainStream(err, "take events", e.progress())
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
	if line = trimLine(line, offset); isBlank(line) {
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

func (e *emission) progress() string {
	return fmt.Sprintf("the first %d events of the request were accepted", e.result.Accepted)
}
