package daemon

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestUntilIdleEndsWellWhenAllIsDelivered(t *testing.T) {
	inBubble(t, func(b *bubble) {
		if err := b.untilIdle(http.StatusOK); err != nil {
			t.Errorf("ended with %v", err)
		}
		b.want(10, "in the end")
	})
}

func TestUntilIdleTellsThatFailuresRemain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		if err := b.untilIdle(http.StatusUnprocessableEntity); !errors.Is(err, ErrFailuresRemain) {
			t.Errorf("ended with %v, want %v", err, ErrFailuresRemain)
		}
		b.want(20, "in the end")
	})
}

func TestUntilIdleDoesNotWaitForEverForAReceiverThatIsDown(t *testing.T) {
	inBubble(t, func(b *bubble) {
		if err := b.untilIdle(http.StatusServiceUnavailable); !errors.Is(err, ErrFailuresRemain) {
			t.Errorf("ended with %v, want %v", err, ErrFailuresRemain)
		}
		b.receiver.AnswerStatus(http.StatusOK)
		b.wait(2 * time.Minute)
		if s := b.status(); !s.Idle || s.Attempts.Delivered != 10 {
			t.Errorf("when dz runs again: %+v %+v", s.Debts, s.Attempts)
		}
	})
}

func (b *bubble) untilIdle(status int) error {
	b.Helper()
	b.receiver.AnswerStatus(status)
	b.add("shop", retry(time.Second))
	b.stop()
	b.change(items(10)...)
	b.source.Rewind()
	b.startUntilIdle()
	err := <-b.ended
	b.start()
	return err
}
