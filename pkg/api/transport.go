package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

const (
	// maxAnswer bounds the answer to one call, in bytes.
	maxAnswer = 256 << 20
	// maxErrorAnswer bounds what is read of an answer that is an error.
	maxErrorAnswer = 64 << 10
)

// MaxSocketPath is how long the path of a Unix socket may be on this system, in
// bytes: 107 on Linux, 103 on macOS and the BSDs.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// CheckSocketPath reports that a path is too long for a socket.
func CheckSocketPath(path string) error {
	if len(path) <= MaxSocketPath {
		return nil
	}
	return &Error{
		Code:    CodeInvalid,
		Message: fmt.Sprintf("socket path %s is %d bytes long, more than the %d that the system allows", path, len(path), MaxSocketPath),
		Hint:    "choose a shorter one with --socket or socket.path",
	}
}

// call makes one request with an optional JSON body and reads its JSON answer.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any) (T, error) {
	var answer T
	var reader io.Reader
	contentType := ""
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer, fmt.Errorf("write request: %w", err)
		}
		reader, contentType = bytes.NewReader(raw), "application/json"
	}
	response, err := c.do(ctx, method, path, query, contentType, reader)
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

// copyTo writes the answer to a GET as it is.
func (c *Client) copyTo(ctx context.Context, w io.Writer, path string) error {
	response, err := c.do(ctx, http.MethodGet, path, nil, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, io.LimitReader(response.Body, maxAnswer)); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// do makes one request. Its answer is a success, and the caller closes its body.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader) (*http.Response, error) {
	if err := CheckSocketPath(c.Socket); err != nil {
		return nil, err
	}
	target := "http://dz" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.client().Do(request)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, c.readError(response)
}

func (c *Client) client() *http.Client {
	c.once.Do(func() {
		var dialer net.Dialer
		c.http = &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", c.Socket)
			},
		}}
	})
	return c.http
}

// readError makes an error of an answer that is one.
func (c *Client) readError(response *http.Response) error {
	var answer ErrorBody
	err := json.NewDecoder(io.LimitReader(response.Body, maxErrorAnswer)).Decode(&answer)
	if err != nil || answer.Error == nil || answer.Error.Message == "" {
		return &Error{
			Code:    CodeInternal,
			Message: fmt.Sprintf("what listens at %s answered %s without an error of dz", c.Socket, response.Status),
			Hint:    "set --socket to the socket of 'dz serve'",
		}
	}
	return answer.Error
}

// explain says what to do about a request that got no answer.
func (c *Client) explain(ctx context.Context, err error) error {
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("ask daemon: %w", context.Cause(ctx))
	case errors.Is(err, fs.ErrPermission):
		return &Error{
			Code:    CodeForbidden,
			Message: "not allowed to open " + c.Socket,
			Hint:    "run as the daemon's user or root, or join the group that socket.group or socket.view_group names",
		}
	case errors.As(err, &op) && op.Op == "dial":
		return &Error{
			Code:    CodeUnreachable,
			Message: "daemon not reachable at " + c.Socket,
			Hint:    "start it with 'dz serve' or set --socket",
		}
	default:
		return &Error{
			Code:    CodeUnreachable,
			Message: fmt.Sprintf("daemon at %s broke off: %v", c.Socket, unwrapURL(err)),
			Hint:    "see with 'dz status' whether it runs, and what it has done, before you try again",
		}
	}
}

// unwrapURL takes away the made-up URL that net/http names in its errors.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
