package debt

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestSelectionMatchesWhatItNames(t *testing.T) {
	t.Parallel()
	id, other := NewID(noon, 1, 1), NewID(noon, 1, 2)
	failure := Failure{
		Debt: Debt{
			ID: id, Endpoint: 3, Failed: true, Attempts: 3, LastAttempt: noon,
			Object: event.Object{Kind: event.Asset, ItemID: event.IntID(7), BaseID: event.StringID("b/70")},
		},
		Outcome: attempt.Outcome{Reason: attempt.ServerError, Status: 503},
	}
	retrying := failure
	retrying.Failed = false

	for _, c := range []struct {
		name      string
		selection Selection
		want      bool
	}{
		{"nothing named", Selection{}, true},
		{"its endpoint", Selection{Endpoints: []uint64{3}}, true},
		{"its endpoint among others", Selection{Endpoints: []uint64{4, 3}}, true},
		{"other endpoints", Selection{Endpoints: []uint64{2, 4}}, false},
		{"its id", Selection{IDs: []ID{other, id}}, true},
		{"another id", Selection{IDs: []ID{other}}, false},
		{"its reason", Selection{Reasons: []attempt.Reason{attempt.DNS, attempt.ServerError}}, true},
		{"another reason", Selection{Reasons: []attempt.Reason{attempt.DNS}}, false},
		{"its status", Selection{Statuses: []int{500, 503}}, true},
		{"another status", Selection{Statuses: []int{500}}, false},
		{"since its last attempt", Selection{Since: noon}, true},
		{"since later", Selection{Since: at(1)}, false},
		{"until its last attempt", Selection{Until: noon}, false},
		{"until later", Selection{Until: at(1)}, true},
		{"its item", Selection{Object: "7"}, true},
		{"its item with the kind", Selection{Object: "asset/7"}, true},
		{"its base", Selection{Object: "b/70"}, true},
		{"its base with the kind", Selection{Object: "asset/b/70"}, true},
		{"another kind", Selection{Object: "metafield/7"}, false},
		{"another object", Selection{Object: "70"}, false},
		{"a kind alone", Selection{Object: "asset/"}, false},
		{"all of it", Selection{
			Endpoints: []uint64{3}, IDs: []ID{id}, Object: "asset/7", Reasons: []attempt.Reason{attempt.ServerError},
			Statuses: []int{503}, Since: at(-time.Hour), Until: at(time.Hour),
		}, true},
		{"all of it but one", Selection{
			Endpoints: []uint64{3}, IDs: []ID{id}, Object: "asset/7", Reasons: []attempt.Reason{attempt.ServerError},
			Statuses: []int{504}, Since: at(-time.Hour), Until: at(time.Hour),
		}, false},
	} {
		if got := c.selection.Match(failure); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if c.selection.Match(retrying) {
			t.Errorf("%s: matches a debt that is being retried", c.name)
		}
		c.selection.Retrying = true
		if got := c.selection.Match(retrying); got != c.want {
			t.Errorf("%s, retrying too: %v, want %v", c.name, got, c.want)
		}
	}
}
