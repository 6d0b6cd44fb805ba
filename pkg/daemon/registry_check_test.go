package daemon

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// Nobody is to be shown more than they may see because the catalogue does not know
// what that is.
func TestOnlyADAMShowsAssetsAsOneUserSeesThem(t *testing.T) {
	inBubble(t, func(b *bubble) {
		named := func(name, user string) endpoint.Endpoint {
			ep := b.addManaged(name)
			ep.Name, ep.Options = name+"-2", options(`apiUser=`+user)
			return ep
		}
		_, err := b.service().CreateEndpoint(b.Context(), named("shop", `"42"`))
		if wantCode(b.T, err, api.CodeInvalid); err != nil && !strings.Contains(err.Error(), "catalogue of type rest") {
			b.Error(err)
		}
		_, err = b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
			ep.Options = options(`apiUser="42"`)
			return nil
		})
		wantCode(b.T, err, api.CodeInvalid)
		if _, err := b.service().CreateEndpoint(b.Context(), named("pim", `""`)); err != nil {
			b.Errorf("without a user: %v", err)
		}
		b.daemon.registry.supports = func(catalogue.View) error { return nil }
		if _, err := b.service().CreateEndpoint(b.Context(), named("cms", `"42"`)); err != nil {
			b.Errorf("of a DAM: %v", err)
		}
	})
}

// What is refused is neither in force nor in the way of what comes after it.
func TestARefusedViewLeavesNothingBehind(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.stop()
		b.start() // nothing is known yet of how the endpoint is shown assets
		as := func(user string) func(*endpoint.Endpoint) error {
			return func(ep *endpoint.Endpoint) error {
				ep.Options = options(`apiUser="` + user + `"`)
				return nil
			}
		}
		_, err := b.service().UpdateEndpoint(b.Context(), "shop", as("42"))
		wantCode(b.T, err, api.CodeInvalid)
		b.knows("a", 1, 1)
		b.push("AssetCreated", 1, 1)
		b.wait(time.Hour)
		if told := b.told("shop"); !slices.Equal(told, []string{"sync 1"}) {
			t.Errorf("told %q after a change that was refused: %s", told, b.status().Endpoints[0].LastError)
		}
		if _, err := b.service().UpdateEndpoint(b.Context(), "shop", as("")); err != nil {
			t.Errorf("another change is refused: %v", err)
		}
		for _, tt := range []struct {
			name, user string
			refused    bool
		}{{"one", "", false}, {"two", "42", true}, {"three", "", false}} {
			ep := endpoint.Endpoint{Name: tt.name, Style: "managed", URL: "http://receiver.example/" + tt.name}
			_ = as(tt.user)(&ep)
			if _, err := b.service().CreateEndpoint(b.Context(), ep); (err != nil) != tt.refused {
				t.Errorf("new endpoint %s, user %q: %v", tt.name, tt.user, err)
			}
		}
	})
}

// What the catalogue can't show is refused when it is set, and not by every read. It
// may have been set while there was another catalogue: then all else can be changed.
func TestAViewThatTheCatalogueCantShowIsRefused(t *testing.T) {
	inBubble(t, func(b *bubble) {
		danish := func(ep *endpoint.Endpoint) error {
			ep.Options = options(`language="da"`)
			return nil
		}
		b.addManaged("shop")
		b.addManaged("pim")
		if _, err := b.service().UpdateEndpoint(b.Context(), "pim", danish); err != nil {
			t.Fatal(err)
		}
		preset, err := rest.Preset("directus")
		if err != nil {
			t.Fatal(err)
		}
		directus, err := rest.New(rest.Config{URL: "http://directus.example", API: preset, Token: "a token", Transport: http.DefaultTransport, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		b.daemon.registry.supports = directus.Supports
		_, err = b.service().UpdateEndpoint(b.Context(), "shop", danish)
		if wantCode(b.T, err, api.CodeInvalid); err != nil && !strings.Contains(err.Error(), `language "da"`) {
			t.Error(err)
		}
		if _, err := b.service().SetEndpointEnabled(b.Context(), "pim", false); err != nil {
			t.Errorf("what can't be read anyway can't be disabled: %v", err)
		}
	})
}
