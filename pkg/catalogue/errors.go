package catalogue

import (
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// The kinds of ReadError. That an asset is gone is none of them: it is an answer.
var (
	// ErrNotNow: the DAM can't be reached, is overloaded or broken; later the
	// same may well be answered.
	ErrNotNow = errors.New("the catalogue can't be read now")
	// ErrRefused: the DAM does not let dz read, or does not know what is asked;
	// somebody has to change the configuration or the rights.
	ErrRefused = errors.New("the catalogue refuses")
	// ErrUnreadable: there is an answer that is not of the form that was
	// declared.
	ErrUnreadable = errors.New("the catalogue's answer can't be read")
)

// ReadError is why assets can't be read. Its text holds no secret.
type ReadError struct {
	Kind  error         // one of those above, which errors.Is finds
	Asset event.ID      // the only one it concerns; none if it concerns all
	After time.Duration // with ErrNotNow, how long the DAM wants to be left alone; 0 if it did not say
	Text  string        // for people
}

func (e *ReadError) Error() string {
	if e.Asset.IsZero() {
		return e.Kind.Error() + ": " + e.Text
	}
	return e.Kind.Error() + ": asset " + e.Asset.String() + ": " + e.Text
}

// Unwrap returns the kind.
func (e *ReadError) Unwrap() error { return e.Kind }
