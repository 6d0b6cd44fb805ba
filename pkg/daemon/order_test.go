package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/event"
)

// An event may give an item another base id, and so its debt another object.
func TestADebtWhoseObjectChangesMeanwhileIsNotSentTwiceAtATime(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(5 * time.Second))
		b.add("shop", debounce(0))
		for base := 1; base <= 3; base++ {
			b.emit(7, base)
			b.emit(10+base, 1) // something else to send has the lane look again
			b.wait(time.Second)
		}
		if n := len(b.receivedAbout(7)); n != 1 {
			t.Errorf("%d requests about an item while the first one is under way", n)
		}
		b.wait(time.Minute)
		about := b.receivedAbout(7)
		if len(about) != 2 || !strings.Contains(about[1].Body, `"BaseId":3`) {
			t.Errorf("received %+v, want the first change and the last", about)
		}
	})
}

// emit takes in a change of an item, with its base id.
func (b *bubble) emit(item, base int) {
	b.Helper()
	line := fmt.Appendf(nil, `{"id":"%d-%d","source":"/test","type":"AssetMetadataUpdated","data":{"itemId":%d,"baseId":%d}}`,
		item, base, item, base)
	e, err := event.Decode(line)
	if err != nil {
		b.Fatal(err)
	}
	if err := b.service().Emit(b.Context(), []event.Event{e}, nil); err != nil {
		b.Fatal(err)
	}
}

// receivedAbout returns the requests about an item.
func (b *bubble) receivedAbout(item int) []dztest.Request {
	return slices.DeleteFunc(b.receiver.Requests(), func(r dztest.Request) bool {
		return !strings.Contains(r.Body, fmt.Sprintf(`"ItemId":%d,`, item))
	})
}

// What Prepare registers misses no event.
func TestNothingIsReadBeforeTheDaemonIsPrepared(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.stop()
		b.change(1)
		b.prepare = func(context.Context) error {
			b.wait(time.Minute)
			b.want(0, "before it is prepared")
			return nil
		}
		b.start()
		b.wait(time.Minute)
		b.want(1, "after it was prepared")
	})
}
