package managed

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// Receivers repeat what they were sent, and 'dz endpoint test' shows it: what a
// configuration holds must be known to whoever masks it.
func TestTheValuesOfAConfigurationAreSecretsOfTheRequest(t *testing.T) {
	t.Parallel()
	ep := &endpoint.Endpoint{Options: map[string]json.RawMessage{
		"configuration": json.RawMessage(`{"apiKey":"k3y-of-the-\"shop\"","pin":12345678901234567890,"on":true,"more":["token-1",{"deep":"token-2"}]}`),
	}}
	sample, err := New(nil, nil).Sample(ep, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`k3y-of-the-"shop"`, `k3y-of-the-\"shop\"`, "token-1", "token-2", "12345678901234567890"} {
		if !slices.Contains(sample.Request.Secrets, want) {
			t.Errorf("%s is not among %q", want, sample.Request.Secrets)
		}
	}
}
