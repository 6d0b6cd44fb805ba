package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACatalogueOfTheDAM(t *testing.T) {
	t.Parallel()
	h := user().with("/c/dz.yaml", text(
		"catalogue:", "  type: REST", "  preset: my/dam.yaml", "  variables: [domain=484, path=a=b]", "  url: https://dam.test:8443/api",
		"  language: 3", "  concurrency: 8", "  rate: 0.5", "  auth: {username: dz, password_file: ~/dam.password}",
	))
	h.env = []string{"DZ_CATALOGUE_TIMEOUT=5s", "DZ_CATALOGUE_AUTH_TOKEN_FILE=/run/token"}
	want := Catalogue{
		Type: CatalogueREST, Preset: "/c/my/dam.yaml", Variables: []string{"domain=484", "path=a=b"}, URL: "https://dam.test:8443/api",
		Language: "3", Timeout: seconds(5), Concurrency: 8, Rate: 0.5,
		Auth: CatalogueAuth{Username: "dz", PasswordFile: "/home/ada/dam.password", TokenFile: "/run/token"},
	}
	c := h.load(t)
	if diff := cmp.Diff(want, c.Catalogue); diff != "" {
		t.Error(diff)
	}
	h = user()
	h.env = []string{"DZ_CATALOGUE_TYPE=rest", "DZ_CATALOGUE_PRESET=nexx", "DZ_CATALOGUE_URL=https://api.test", "DZ_CATALOGUE_VARIABLES=domain=1,streamtype=audio"}
	if diff := cmp.Diff([]string{"domain=1", "streamtype=audio"}, h.load(t).Catalogue.Variables); diff != "" {
		t.Error(diff)
	}
}
