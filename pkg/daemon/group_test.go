package daemon

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// group returns endpoints of a group, one for each host.
func group(name string, hosts ...string) []endpoint.Endpoint {
	eps := make([]endpoint.Endpoint, len(hosts))
	for i, host := range hosts {
		eps[i] = endpoint.Endpoint{
			Name: endpoint.MemberName(name, i+1), Group: name, URL: "http://" + host + ".test/" + host, Enabled: true,
			Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
			Retry:        endpoint.Schedule{},
		}
	}
	return eps
}

func (b *bubble) addGroup(eps []endpoint.Endpoint) {
	b.Helper()
	if _, err := b.service().CreateGroup(b.Context(), eps); err != nil {
		b.Fatal(err)
	}
}

func namesOf(states []admin.EndpointState) []string {
	var names []string
	for _, s := range states {
		names = append(names, s.Endpoint.Name)
	}
	return names
}

func TestEndpointsOfAGroupHaveTheirOwnDebtsAndHealth(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.addGroup(group("shop", "up", "down"))
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.Path == "/down" {
				return dztest.Answer{Status: http.StatusInternalServerError}
			}
			return dztest.Answer{}
		})
		b.change(1, 2, 3, 4, 5, 6)
		b.wait(10 * time.Second)
		s := b.status()
		if len(s.Endpoints) != 2 {
			t.Fatalf("%+v", s.Endpoints)
		}
		up, down := s.Endpoints[0], s.Endpoints[1]
		if up.Name != "shop-1" || up.Group != "shop" || up.Debts != 0 || up.State != "healthy" || up.Delivered != 6 {
			t.Errorf("the one that works: %+v", up)
		}
		if down.Name != "shop-2" || down.Group != "shop" || down.Debts != 6 || down.State != "sick" {
			t.Errorf("the one that does not: %+v", down)
		}
		// What is retried can be listed, and retried, by the group's name.
		page, err := b.service().ListFailures(b.Context(), api.FailureQuery{
			FailureSelection: api.FailureSelection{Endpoint: "shop", Retrying: true}, Page: api.Page{Limit: 100},
		})
		if err != nil || len(page.Failures) == 0 {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, f := range page.Failures {
			if f.Endpoint != "shop-2" {
				t.Errorf("a failure of %s", f.Endpoint)
			}
		}
		b.receiver.AnswerStatus(http.StatusOK)
		result, err := b.service().RetryFailures(b.Context(), api.FailureAction{
			FailureSelection: api.FailureSelection{Endpoint: "shop", Retrying: true},
		})
		if err != nil || result.Matched != uint64(len(page.Failures)) {
			t.Errorf("%+v, %v", result, err)
		}
		b.wait(time.Second)
		if s := b.status(); s.Attempts.Delivered != 12 {
			t.Errorf("after the retry: %+v", s.Attempts)
		}
		// Both are owed again what is replayed to the group.
		replayed, err := b.service().Replay(b.Context(), api.Replay{Since: time.Now().Add(-time.Hour), Endpoint: "shop"})
		if err != nil || replayed.Events != 6 || replayed.Owed != 12 {
			t.Errorf("%+v, %v", replayed, err)
		}
	})
}

func TestAGroupIsAddedWholeOrNotAtAll(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("web-2")
		b.add("cdn")
		b.addGroup(group("shop", "a", "b"))
		plain := func(name string) []endpoint.Endpoint {
			ep := group("", "c")[0]
			ep.Name = name
			return []endpoint.Endpoint{ep}
		}
		bad := group("new", "a", "b")
		bad[1].URL = "b.test"
		for name, eps := range map[string][]endpoint.Endpoint{
			"a second endpoint is taken":   group("web", "a", "b", "c"),
			"the group's name is taken":    group("shop", "c"),
			"an endpoint has its name":     group("cdn", "a"),
			"an endpoint takes a group's":  plain("shop"),
			"an endpoint takes a member's": plain("shop-2"),
		} {
			_, err := b.service().CreateGroup(b.Context(), eps)
			wantCode(t, err, api.CodeConflict)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		_, err := b.service().CreateGroup(b.Context(), bad)
		wantCode(t, err, api.CodeInvalid)
		b.stop()
		b.start()
		states, err := b.service().ListEndpoints(b.Context())
		if got, want := namesOf(states), []string{"cdn", "shop-1", "shop-2", "web-2"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("in the end there are %v, %v; want %v", got, err, want)
		}
	})
}

func TestAGroupsNameStandsForItsEndpoints(t *testing.T) {
	inBubble(t, func(b *bubble) {
		s, ctx := b.service(), b.Context()
		b.add("web")
		b.addGroup(group("shop", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9", "h10"))
		states, err := s.GetGroup(ctx, "shop")
		if err != nil || len(states) != 10 || states[9].Endpoint.Name != "shop-10" || states[1].Endpoint.Name != "shop-2" {
			t.Fatalf("%v, %v", namesOf(states), err)
		}
		if _, err := s.RemoveEndpoint(ctx, "shop-3"); err != nil {
			t.Fatal(err)
		}
		if states, err = s.SetGroupEnabled(ctx, "shop", false); err != nil || len(states) != 9 || states[0].State != endpoint.Disabled {
			t.Errorf("switched off: %v, %v", states, err)
		}
		describe := func(ep *endpoint.Endpoint) error { ep.Description = "of " + ep.Group; return nil }
		if states, err = s.UpdateGroup(ctx, "shop", describe); err != nil || len(states) != 9 || states[8].Endpoint.Description != "of shop" {
			t.Errorf("changed: %v, %v", states, err)
		}

		// What can't be done to one is done to none.
		veto := errors.New("no")
		for _, change := range []func(*endpoint.Endpoint) error{
			func(ep *endpoint.Endpoint) error {
				if ep.Description = "x"; ep.Name == "shop-10" {
					return veto
				}
				return nil
			},
			func(ep *endpoint.Endpoint) error {
				if ep.Description = "x"; ep.Name == "shop-10" {
					ep.Concurrency = -1
				}
				return nil
			},
		} {
			if _, err := s.UpdateGroup(ctx, "shop", change); err == nil {
				t.Error("a change that is wrong for one was made")
			}
		}
		if states, err = s.GetGroup(ctx, "shop"); err != nil || states[0].Endpoint.Description != "of shop" {
			t.Errorf("after a change that was wrong for one: %+v, %v", states[0], err)
		}

		// One endpoint is meant, and a group is named.
		_, err = s.GetEndpoint(ctx, "shop")
		wantCode(t, err, api.CodeNotFound)
		var told *api.Error
		if errors.As(err, &told); told.Message != `"shop" is a group of endpoints` || told.Hint[:26] != "name one of them: shop-1, " {
			t.Errorf("%+v", told)
		}
		_, err = s.UpdateGroup(ctx, "shp", describe)
		wantCode(t, err, api.CodeNotFound)

		removed, err := s.RemoveGroup(ctx, "shop")
		if err != nil || len(removed) != 9 || removed[8].Name != "shop-10" {
			t.Errorf("%v, %v", removed, err)
		}
		_, err = s.RemoveGroup(ctx, "shop")
		wantCode(t, err, api.CodeNotFound)
		if states, err = s.ListEndpoints(ctx); err != nil || !slices.Equal(namesOf(states), []string{"web"}) {
			t.Errorf("left: %v, %v", namesOf(states), err)
		}
	})
}

// A list of events may be narrowed to what a group wants.
func TestEventsThatAGroupWants(t *testing.T) {
	inBubble(t, func(b *bubble) {
		eps := group("shop", "a", "b")
		eps[0].Subscription.ChangeTypes, eps[1].Subscription.ChangeTypes = event.MetafieldChanged, event.TreeValueChanged
		b.addGroup(eps)
		for _, typ := range []string{"AssetCreated", "MetafieldCreated", "TreeValueCreated", "ComboValueCreated"} {
			if err := b.source.Push(typ, 1); err != nil {
				t.Fatal(err)
			}
		}
		b.wait(time.Second)
		page, err := b.service().ListEvents(b.Context(), api.EventQuery{Endpoint: "shop", Page: api.Page{Limit: 10}})
		if err != nil || len(page.Events) != 2 || page.Events[0].Type != "TreeValueCreated" || page.Events[1].Type != "MetafieldCreated" {
			t.Errorf("%+v, %v", page.Events, err)
		}
	})
}
