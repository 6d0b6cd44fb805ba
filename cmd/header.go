package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// maxSecret bounds a file with a secret, such as a header's value, in bytes.
const maxSecret = 64 << 10

// header notes one --header. Its text is not repeated in errors: it may hold a
// secret.
func (s *settings) header(text string) error {
	name, value, found := strings.Cut(text, ":")
	name, value = strings.TrimSpace(name), strings.Trim(value, " \t")
	if !found || name == "" {
		return errors.New("a header has no name: write 'NAME: VALUE'")
	}
	value, err := s.app.secret(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.update.Headers == nil {
		s.update.Headers, s.draft.Headers = map[string]api.Patch[string]{}, map[string]string{}
	}
	s.update.Headers[name], s.draft.Headers[name] = orDefault(value), value
	return nil
}

// secret returns a value, or what the file holds that "@FILE" names ("@-" is
// stdin), without the newline at its end. "@@" begins a value with "@".
func (a *app) secret(value string) (string, error) { return a.value(value, maxSecret) }

// value is secret for a file of at most limit bytes.
func (a *app) value(value string, limit int) (string, error) {
	path, isFile := strings.CutPrefix(value, "@")
	switch {
	case !isFile:
		return value, nil
	case strings.HasPrefix(path, "@"):
		return path, nil
	}
	source := a.env.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("read value: %w (a value that begins with @ is written with @@)", err)
		}
		defer file.Close() //nolint:errcheck // it was only read
		source = file
	}
	raw, err := io.ReadAll(io.LimitReader(source, int64(limit)+1))
	if err != nil {
		return "", fmt.Errorf("read value: %w", err)
	}
	if len(raw) > limit {
		return "", fmt.Errorf("the file is longer than %d bytes", limit)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if text == "" {
		return "", errors.New("the file is empty")
	}
	return text, nil
}
