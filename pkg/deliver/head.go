package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/deliver/http1"
	"github.com/dam-delivery/dz/pkg/signature"
)

// maxHead bounds the header of a request that http1 carries, in bytes, without
// the values that are the request's own. It leaves half a message to the body.
const maxHead = http1.MaxMessage / 2

// head is the header of a target's requests, cut where values go that are a
// request's own. net/http wrote it, so http1's requests are net/http's, byte for
// byte.
type head []piece

// piece is a part of a header, and what follows it; "" after the last one.
type piece struct {
	text string
	name string
}

// newHead returns nil if http1 can't carry the target's requests: they are not
// for plain HTTP, or one of their headers asks for more than an exchange.
func newHead(t *target) head {
	if t.blank.URL.Scheme != "http" || address(t) == "" {
		return nil
	}
	header := t.header(attempt.Request{}, time.Time{})
	if !carriable(header) {
		return nil
	}
	written, err := t.write(header, []byte("x"))
	if err != nil || len(written) > maxHead {
		return nil // net/http will say what is wrong
	}
	written = written[:len(written)-1]
	var cut head
	text := ""
	for line := range strings.Lines(string(written)) {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Content-Length", "Webhook-Id", "Webhook-Timestamp", signature.HeaderSignature:
		case "Content-Type":
			if slices.ContainsFunc(t.common, func(f headerField) bool { return f.name == "Content-Type" }) {
				name = "" // it is the endpoint's
			}
		default:
			name = ""
		}
		if name == "" {
			text += line
			continue
		}
		cut = append(cut, piece{text + name + ": ", name})
		text = "\r\n"
	}
	return append(cut, piece{text: text})
}

// write returns what net/http would write to the target itself.
func (t *target) write(header http.Header, message []byte) ([]byte, error) {
	request := t.blank.WithContext(context.Background())
	request.Header = header
	if len(message) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(message))
		request.ContentLength = int64(len(message))
	}
	var written bytes.Buffer
	if err := request.Write(&written); err != nil {
		return nil, err
	}
	return written.Bytes(), nil
}

// carriable reports whether http1 can send a header: net/http refuses what HTTP
// does not allow, and does more than an exchange for some.
func carriable(header http.Header) bool {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) || name == "Expect" || name == "Connection" {
			return false
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return false
			}
		}
	}
	return true
}

// errNotCarriable is of a request that is net/http's to send.
var errNotCarriable = errors.New("the request is none for http1")

// append appends a request to buf, as it goes over a connection. The error is
// errNotCarriable if http1 can't carry it.
func (t *target) append(buf []byte, r attempt.Request, now time.Time) ([]byte, error) {
	if len(r.Body) > http1.MaxMessage {
		return nil, errNotCarriable
	}
	if len(r.Header) > 0 {
		return t.appendWhole(buf, r, now)
	}
	if !isPlain(r.ID) || !isPlain(r.ContentType) {
		return nil, errNotCarriable
	}
	for _, part := range t.head {
		buf = append(buf, part.text...)
		switch part.name {
		case "Content-Length":
			buf = strconv.AppendInt(buf, int64(len(r.Body)), 10)
		case "Content-Type":
			buf = append(buf, r.ContentType...)
		case "Webhook-Id":
			buf = append(buf, r.ID...)
		case "Webhook-Timestamp":
			buf = strconv.AppendInt(buf, now.Unix(), 10)
		case signature.HeaderSignature:
			buf = append(buf, t.sign(r, now)...)
		}
	}
	return fitting(append(buf, r.Body...))
}

// appendWhole is for requests with headers of their own, which are rare.
func (t *target) appendWhole(buf []byte, r attempt.Request, now time.Time) ([]byte, error) {
	header := t.header(r, now)
	if !carriable(header) {
		return nil, errNotCarriable
	}
	written, err := t.write(header, r.Body)
	if err != nil {
		return nil, errNotCarriable
	}
	return fitting(append(buf, written...))
}

func fitting(message []byte) ([]byte, error) {
	if len(message) > http1.MaxMessage {
		return nil, errNotCarriable
	}
	return message, nil
}

// isPlain reports whether net/http would write a header's value as it is.
func isPlain(value string) bool {
	return httpguts.ValidHeaderFieldValue(value) && textproto.TrimString(value) == value
}

// address returns where the target listens for plain HTTP: host and port, "" if
// its name has to be encoded for DNS, which net/http does.
func address(t *target) string {
	host, port := t.blank.URL.Hostname(), t.blank.URL.Port()
	if port == "" {
		port = "80"
	}
	if host == "" || strings.IndexFunc(host, func(r rune) bool { return r >= 0x80 }) >= 0 {
		return ""
	}
	return net.JoinHostPort(host, port)
}
