package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func TestTheConfigurationKnowsEveryPreset(t *testing.T) {
	t.Parallel()
	if known, built := config.CataloguePresets(), rest.Presets(); !slices.Equal(known, built) {
		t.Errorf("the configuration knows %v, and there are %v", known, built)
	}
}

// secretFile writes a file that only its owner may read.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// damDaemon is a daemon as far as reading from a DAM goes.
func damDaemon(t *testing.T, c config.Catalogue, network config.Network) (*Daemon, error) {
	t.Helper()
	d := &Daemon{now: time.Now, config: config.Config{Catalogue: c}}
	d.sender = deliver.New(deliver.Config{
		Deny: network.Deny, Allow: network.Allow,
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	})
	var teardown teardown
	t.Cleanup(func() {
		if err := teardown.run(); err != nil {
			t.Error(err)
		}
		d.sender.Close()
	})
	err := d.openCatalogue(&teardown)
	return d, err
}

// files is a Directus that has file "a" alone. To ask for several there finds
// none, which agrees with what it says of any other file.
func files(w http.ResponseWriter, r *http.Request) {
	known := r.Header.Get("Authorization") == "Bearer the-token"
	switch {
	case known && r.URL.Path == "/files/a":
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"id": "a", "title": "A"}})
	case known && r.URL.Path == "/files":
		_, _ = w.Write([]byte(`{"data":[]}`))
	default:
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":[{"extensions":{"code":"FORBIDDEN"}}]}`))
	}
}

func TestAssetsAreReadFromTheDAM(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(files))
	t.Cleanup(server.Close)
	c := config.Catalogue{
		Type: config.CatalogueREST, Preset: "directus", URL: server.URL, Timeout: timespan.Span(5 * time.Second), Concurrency: 2,
		Auth: config.CatalogueAuth{TokenFile: secretFile(t, "the-token\n")},
	}
	d, err := damDaemon(t, c, config.Network{})
	if err != nil {
		t.Fatal(err)
	}
	s := (*service)(d)
	d.assets = lastKnown{d.dam, catalogue.Empty{}}
	if a, err := s.GetAsset(t.Context(), "a"); err != nil || a.Title != "A" || a.ID != event.StringID("a") {
		t.Errorf("asset a: %+v, %v", a, err)
	}
	_, err = s.GetAsset(t.Context(), "b")
	wantCode(t, err, api.CodeNotFound)

	// What the DAM has no more is what events told last.
	d.assets = lastKnown{d.dam, known{"b": `{"title":"B"}`}}
	if a, err := s.GetAsset(t.Context(), "b"); err != nil || a.Title != "B" || !a.Deleted {
		t.Errorf("asset b: %+v, %v", a, err)
	}

	// The daemon's dial guard holds here too.
	d, err = damDaemon(t, c, config.Network{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.dam.Assets(t.Context(), []event.ID{event.StringID("a")}); !errors.Is(err, catalogue.ErrRefused) {
		t.Errorf("at an address that is denied: %v", err)
	}
	_, err = (*service)(d).GetAsset(t.Context(), "a")
	wantCode(t, err, api.CodeInternal)
}

// known is a catalogue of a few assets.
type known map[string]string

func (k known) Assets(_ context.Context, ids []event.ID) ([]catalogue.Asset, error) {
	var found []catalogue.Asset
	for _, id := range ids {
		if data, ok := k[id.String()]; ok {
			found = append(found, catalogue.Asset{ID: id, Data: json.RawMessage(data)})
		}
	}
	return found, nil
}

func TestACatalogueThatCantBeOpenedEndsTheStart(t *testing.T) {
	t.Parallel()
	open := secretFile(t, "the-token")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	declared := filepath.Join(t.TempDir(), "dam.yaml")
	if err := os.WriteFile(declared, []byte("get: {path: /a}\nasset: {id: '.['}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*config.Catalogue)
		want   string
	}{
		"no token":                    {func(c *config.Catalogue) { c.Auth.TokenFile = "" }, "catalogue: authentication by bearer needs a token"},
		"a file that others read":     {func(c *config.Catalogue) { c.Auth.TokenFile = open }, "catalogue: " + open + ": others may read or change it (mode 0644)"},
		"a missing file":              {func(c *config.Catalogue) { c.Auth.PasswordFile = "/nowhere" }, "catalogue: stat /nowhere"},
		"several lines":               {func(c *config.Catalogue) { c.Auth.TokenFile = secretFile(t, "a\nb\n") }, "catalogue: "},
		"a folder as declaration":     {func(c *config.Catalogue) { c.Preset = folder }, "catalogue: " + folder + " is not a regular file"},
		"a declaration of no use":     {func(c *config.Catalogue) { c.Preset = declared }, "catalogue: asset.id: not jq: unexpected EOF"},
		"an unknown variable":         {func(c *config.Catalogue) { c.Variables = []string{"domain=1"} }, `catalogue: the API has no variable "domain"`},
		"a CA file that is not there": {func(c *config.Catalogue) { c.CAFile = "/nowhere.pem" }, "catalogue: CA file /nowhere.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := config.Catalogue{Type: config.CatalogueREST, Preset: "directus", URL: "https://dam.test"}
			set.Auth.TokenFile = secretFile(t, "the-token")
			c.change(&set)
			_, err := damDaemon(t, set, config.Network{})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "the-token") {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}
