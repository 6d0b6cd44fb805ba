package admin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func eventLine(id int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/t","type":"AssetCreated","data":{"itemId":%d}}`, id, id)
}

func ids(events []event.Event) []string {
	var all []string
	for i := range events {
		all = append(all, events[i].ID)
	}
	return all
}

func TestEmitTakesLines(t *testing.T) {
	t.Parallel()
	server := start(t)
	text := "\ufeff" + eventLine(1) + "\r\n" + // a byte-order mark
		"\n  \n" + // nothing is no mistake
		"{not JSON\n" +
		eventLine(2) + "\n" +
		strings.Repeat("x", event.MaxLineLength+1) + "\n" +
		eventLine(3) // no newline at the end
	got, err := server.Emit(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Accepted != 3 || got.RejectedCount != 2 {
		t.Errorf("got %d accepted, %d rejected, want 3 and 2", got.Accepted, got.RejectedCount)
	}
	if diff := cmp.Diff([]string{"e1", "e2", "e3"}, ids(server.service.emitted)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if raw := string(server.service.emitted[0].Raw); raw != eventLine(1) {
		t.Errorf("the line was kept as %q", raw)
	}
	if diff := cmp.Diff(server.service.rejected, got.Rejected); diff != "" {
		t.Errorf("the answer is not what was kept (-kept +answered):\n%s", diff)
	}
	if len(got.Rejected) != 2 {
		t.Fatalf("got %d rejected lines", len(got.Rejected))
	}
	for i, want := range []struct {
		start  string
		length int
		line   string
		reason string
	}{
		{"{not", len("{not JSON\n"), "{not JSON", "not JSON"},
		{"xxx", event.MaxLineLength + 2, strings.Repeat("x", maxRejectedLine), "longer than"},
	} {
		rejected := got.Rejected[i]
		if rejected.Offset != int64(strings.Index(text, want.start)) || rejected.Length != int64(want.length) {
			t.Errorf("line %d lies at %d+%d, want %d+%d", i, rejected.Offset, rejected.Length, strings.Index(text, want.start), want.length)
		}
		if rejected.Line != want.line || !strings.Contains(rejected.Reason, want.reason) || rejected.Time.IsZero() {
			t.Errorf("line %d: got %.50q at %s: %s", i, rejected.Line, rejected.Time, rejected.Reason)
		}
	}
}

func TestEmitTakesTheLongestLine(t *testing.T) {
	t.Parallel()
	server := start(t)
	padding := event.MaxLineLength - len(eventLine(1))
	line := strings.Replace(eventLine(1), `"id"`, strings.Repeat(" ", padding)+`"id"`, 1)
	got, err := server.Emit(t.Context(), strings.NewReader(line+"\r\n"+line+"\n "+line))
	if err != nil {
		t.Fatal(err)
	}
	if got.Accepted != 2 || got.RejectedCount != 1 {
		t.Errorf("got %d accepted, %d rejected, want 2 and 1", got.Accepted, got.RejectedCount)
	}
}

func TestEmitTakesASingleEventOverSeveralLines(t *testing.T) {
	t.Parallel()
	server := start(t)
	pretty := strings.ReplaceAll(eventLine(1), ",", ",\n  ")
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "application/cloudevents+json"} {
		got := server.raw(t, "POST", "/api/v1/events", contentType, pretty)
		if got.status != 200 || got.body != `{"accepted":1,"rejectedCount":0,"rejected":[]}`+"\n" {
			t.Errorf("%s: %d %s", contentType, got.status, got.body)
		}
	}
	for _, e := range server.service.emitted {
		if bytes.ContainsRune(e.Raw, '\n') {
			t.Errorf("the event is kept with line ends: %s", e.Raw)
		}
	}
	got := server.raw(t, "POST", "/api/v1/events", "application/json", eventLine(1)+eventLine(2))
	if !strings.Contains(got.body, `"accepted":0,"rejectedCount":1`) {
		t.Errorf("two events as one: %s", got.body)
	}
	got = server.raw(t, "POST", "/api/v1/events", "application/json", strings.Repeat(" ", event.MaxLineLength+1))
	if got.status != 413 {
		t.Errorf("too long: %d %s", got.status, got.body)
	}
}

func TestEmitHandsOnInBoundedParts(t *testing.T) {
	t.Parallel()
	server := start(t)
	const lines = 2*maxPartLines + 1
	var text strings.Builder
	for i := range lines {
		if i%2 == 0 {
			fmt.Fprintln(&text, eventLine(i))
		} else {
			fmt.Fprintln(&text, "bad")
		}
	}
	got, err := server.Emit(t.Context(), strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if got.Accepted != maxPartLines+1 || got.RejectedCount != maxPartLines {
		t.Errorf("got %d accepted, %d rejected", got.Accepted, got.RejectedCount)
	}
	if len(got.Rejected) != api.MaxEmitRejected {
		t.Errorf("the answer lists %d rejected lines, want %d", len(got.Rejected), api.MaxEmitRejected)
	}
	if server.service.parts != 3 || len(server.service.rejected) != maxPartLines {
		t.Errorf("got %d parts with %d rejected lines, want 3 with all", server.service.parts, len(server.service.rejected))
	}
}

func TestEmitTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.fail = &api.Error{Code: api.CodeFull, Message: "the store is full", Hint: "raise store.max_size"}
	server := run(t, service, alone())
	_, err := server.Emit(t.Context(), strings.NewReader(eventLine(1)))
	wantError(t, err, api.CodeFull, "raise store.max_size; the first 0 events of the request were accepted")
}

func TestEmitBoundsTheRequest(t *testing.T) {
	t.Parallel()
	server := start(t)
	e := &emission{ctx: t.Context(), events: server.service}
	endless := io.LimitReader(zeros{}, api.MaxEmitBody+1)
	err := explainStream(eachLine(endless, e.take), "take events", e.progress())
	var told *problem
	if !errors.As(err, &told) || told.status != 413 {
		t.Errorf("got %v, want 413", err)
	}
}

// zeros is an endless line.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A body that breaks off is not taken for one that ends: its last line may be
// half an event, which could even be read.
func TestEmitTakesNoHalfLine(t *testing.T) {
	t.Parallel()
	server := start(t)
	conn, err := net.Dial("unix", server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	head := "POST /api/v1/events HTTP/1.1\r\nHost: dz\r\nContent-Type: application/x-ndjson\r\nContent-Length: 10000\r\n\r\n"
	if _, err := io.WriteString(conn, head+eventLine(1)); err != nil {
		t.Fatal(err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		t.Fatalf("dialled a %T", conn)
	}
	if err := unixConn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the server is done with it
	_ = conn.Close()
	server.service.mu.Lock()
	defer server.service.mu.Unlock()
	if len(server.service.emitted) != 0 {
		t.Errorf("half a request was taken: %v", ids(server.service.emitted))
	}
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\nlast"), uint8(16))
	f.Add(bytes.Repeat([]byte("x"), 300), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		reader := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(data)), int(size))
		var lines [][]byte
		var total int64
		for {
			line, length, err := readLine(reader)
			if int64(len(line)) != length {
				t.Fatalf("a line of %d bytes was cut to %d", length, len(line))
			}
			if i := bytes.IndexByte(line, '\n'); i >= 0 && i != len(line)-1 {
				t.Fatalf("a line goes on behind its end: %q", line)
			}
			lines, total = append(lines, line), total+length
			if err != nil {
				break
			}
		}
		if got := bytes.Join(lines, nil); !bytes.Equal(got, data) || total != int64(len(data)) {
			t.Fatalf("got %q, want %q", got, data)
		}
	})
}
