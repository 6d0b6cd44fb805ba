package process

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// longestPause bounds how far apart Until asks.
const longestPause = time.Second

// ErrNotSo says that what was waited for has not come about.
var ErrNotSo = errors.New("not so")

// Until asks whether something is so, for limit at the longest, and every so
// often: less often if asking takes long, so that it disturbs little. The error
// after the limit is ErrNotSo.
func Until(ctx context.Context, every, limit time.Duration, what string, so func() (bool, error)) error {
	begun := time.Now()
	for {
		asked := time.Now()
		ok, err := so()
		if ok || err != nil {
			return err
		}
		if time.Since(begun) > limit {
			return fmt.Errorf("%s: %w after %v", what, ErrNotSo, limit)
		}
		if err := Pause(ctx, max(every, min(10*time.Since(asked), longestPause))); err != nil {
			return err
		}
	}
}

// Pause lets time pass.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
