package render

import (
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestAFilterCountWritesAllItsNumbersAlike(t *testing.T) {
	t.Parallel()
	for want, counted := range map[string]api.FilterCount{
		"1,000 of 1,000 assets match; there is no filter": {Total: 1000, Matched: 1000},
		"1,200 of 69,203 assets match; it can't be applied to 2,000, such as 7: no title; 3,000 can't be read": {
			Filter: "f", Total: 69_203, Matched: 1200, Failed: 2000, Error: "7: no title", Unread: 3000,
		},
	} {
		if got := FilterCount(counted); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
