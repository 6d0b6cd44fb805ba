package admin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// Media types of what is given to the API; the first is the one that is
// described.
const (
	typeNDJSON    = "application/x-ndjson"
	typeNDJSONToo = "application/ndjson"
	typeJSONL     = "application/jsonl"
	typeJSON      = "application/json"
)

// streamInput is a request whose body is read while it is worked on.
type streamInput struct {
	mediaType string
	body      io.Reader
}

var _ huma.Resolver = (*streamInput)(nil)

// Resolve takes the body as a stream.
func (in *streamInput) Resolve(ctx huma.Context) []error {
	// A media type that can't be read is one that is not known.
	in.mediaType, _, _ = mime.ParseMediaType(ctx.Header("Content-Type"))
	in.body = ctx.BodyReader()
	return nil
}

// eachLine hands over the lines of a body, with their ends, where they lie and
// how long they are. Of one that is longer than an event may be it hands over
// the beginning, so that it is still too long, in bounded memory. The body ends
// with an error at api.MaxEmitBody.
func eachLine(body io.Reader, take func(line []byte, offset, length int64) error) error {
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
			if err := take(line, offset, length); err != nil {
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

// trimLine takes away a line's end and, from the first one, a byte-order mark.
func trimLine(line []byte, offset int64) []byte {
	if offset == 0 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// explainStream says of an error while a body was worked on how far that came.
func explainStream(err error, doing, progress string) error {
	var tooLong *http.MaxBytesError
	var expected *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLong):
		return &problem{http.StatusRequestEntityTooLarge, invalid("send it in parts; "+progress,
			"the request's body is longer than %d bytes", tooLong.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{http.StatusRequestTimeout, invalid("send it without pauses; "+progress,
			"the request's body stood still for too long")}
	case errors.As(err, &expected):
		told := *expected
		if told.Hint != "" {
			told.Hint += "; "
		}
		told.Hint += progress
		return &told
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
