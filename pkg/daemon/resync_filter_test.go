package daemon

import (
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// A mistake in a filter is not to look like a catalogue in which all is well.
func TestAResyncSaysThatAFilterCanNotBeApplied(t *testing.T) {
	const mistake = `asset.title contains "x" and asset.assetId contains "1"`
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.knows("x", 1, 3)
		b.knows("y", 4, 4)
		filter := func(text string) {
			b.Helper()
			_, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
				ep.Subscription.Filter = text
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		warnings := 0
		for _, c := range []struct {
			name   string
			filter string // of the endpoint
			order  api.ResyncOrder
			found  api.ResyncFound
		}{
			{"the order's", "", api.ResyncOrder{Filter: mistake}, api.ResyncFound{
				Seen: 3, Unjudged: 3, Fault: "asset 1: the filter can't be applied: filter: ",
			}},
			{"the order's, which is neither true nor false", "", api.ResyncOrder{Filter: "asset.title", Changed: true}, api.ResyncFound{
				Seen: 4, Unjudged: 4, Fault: "asset 1: the filter can't be applied: filter: ",
			}},
			{"the endpoint's, of assets that are not tracked", mistake, api.ResyncOrder{}, api.ResyncFound{
				Seen: 4, Skipped: 1, Unjudged: 3, Fault: "asset 1: the filter can't be applied: filter: ",
			}},
			{"all is well", "", api.ResyncOrder{}, api.ResyncFound{Seen: 4, Create: 4}},
			{"the endpoint's, of tracked assets", mistake, api.ResyncOrder{Changed: true}, api.ResyncFound{
				Seen: 4, Delete: 1, Unjudged: 3, Fault: "asset 1: the filter can't be applied, and dz can't say whether to delete it: filter: ",
			}},
		} {
			filter(c.filter)
			dry := b.dryResync("shop", c.order)
			found := b.resync("shop", c.order)
			if dry != found {
				b.Errorf("%s: found %+v, dry %+v", c.name, found, dry)
			}
			if !strings.HasPrefix(found.Fault, c.found.Fault) {
				b.Errorf("%s: the first of them: %q, want %q", c.name, found.Fault, c.found.Fault)
			}
			if found.Fault = c.found.Fault; found != c.found {
				b.Errorf("%s: found %+v, want %+v", c.name, found, c.found)
			}
			if found.Unjudged > 0 {
				warnings++
			}
			if warned := b.logged.Lines("could not read or judge all assets"); len(warned) != warnings {
				b.Errorf("%s: logged %q", c.name, warned)
			}
		}
	})
}
