package daemon

import (
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// counted goes through all parts of a count.
func (b *bubble) counted(name, filter string) (total api.FilterCount) {
	b.Helper()
	for cursor := ""; ; {
		part, err := b.service().CountFilter(b.Context(), name, filter, cursor)
		if err != nil {
			b.Fatal(err)
		}
		total.Matched += part.Matched
		total.Total += part.Total
		total.Failed += part.Failed
		if total.Error == "" {
			total.Error = part.Error
		}
		if cursor = part.Next; cursor == "" {
			return total
		}
	}
}

func TestFiltersAreTriedOnAssets(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes, ep.Subscription.Filter = "managed", 0, `asset.title == "b"`
		})
		b.add("plain")
		b.knows("a", 1, 25_000)
		b.knows("b", 24_001, 24_010)
		b.loses(1, 1)
		for _, tt := range []struct {
			asset, filter  string
			matches, fails bool
		}{
			{"24001", "", true, false},
			{"2", "", false, false},
			{"2", `asset.title == "a" and meta("x") == nil`, true, false},
			{"2", `asset.title > 1`, false, true},
			{"1", `true`, false, false},
		} {
			got, err := b.service().TryFilter(b.Context(), "shop", tt.filter, tt.asset)
			if err != nil || got.Matches != tt.matches || (got.Error != "") != tt.fails || got.Deleted != (tt.asset == "1") {
				t.Errorf("%s on %s: %+v, %v", tt.filter, tt.asset, got, err)
			}
		}
		got, err := b.service().TryFilter(b.Context(), "shop", `asset.title == "a" and meta("x") == nil`, "2")
		if err != nil || len(got.Values) != 2 || string(got.Values[0].Value) != `"a"` || !got.Values[1].Field || got.Values[1].Value != nil {
			t.Errorf("%+v, %v", got.Values, err)
		}
		if got := b.counted("shop", ""); got.Matched != 10 || got.Total != 24_999 || got.Failed != 0 {
			t.Errorf("counted %+v", got)
		}
		if got := b.counted("shop", `asset.title > 1`); got.Matched != 0 || got.Failed != 24_999 || !strings.HasPrefix(got.Error, "asset 2: ") {
			t.Errorf("counted %+v", got)
		}
		_, err = b.service().TryFilter(b.Context(), "shop", "", "99999")
		wantCode(t, err, api.CodeNotFound)
		_, err = b.service().TryFilter(b.Context(), "shop", "asset.(", "2")
		wantCode(t, err, api.CodeInvalid)
		_, err = b.service().CountFilter(b.Context(), "plain", "true", "")
		wantCode(t, err, api.CodeConflict)
		_, err = b.service().CountFilter(b.Context(), "shpo", "", "")
		wantCode(t, err, api.CodeNotFound)
	})
}
