package managed

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

func sampleOf(t *testing.T, configuration string) attempt.Request {
	t.Helper()
	ep := &endpoint.Endpoint{Options: map[string]json.RawMessage{"configuration": json.RawMessage(configuration)}}
	sample, err := New(nil, nil).Sample(ep, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return sample.Request
}

// Receivers repeat what they were sent, and 'dz endpoint test' shows it: what a
// configuration holds must be known to whoever masks it.
func TestTheValuesOfAConfigurationAreSecretsOfTheRequest(t *testing.T) {
	t.Parallel()
	request := sampleOf(t, `{"apiKey":"k3y-of-the-\"shop\"","pin":12345678901234567890,"on":true,"more":["token-1",{"deep":"token-2"}]}`)
	for _, want := range []attempt.Secret{
		{Text: `k3y-of-the-"shop"`},
		{Text: `k3y-of-the-\"shop\"`},
		{Text: "token-1"},
		{Text: "token-2"},
		{Text: "12345678901234567890"},
		{Text: `"on":true`, Shown: `"on":"***"`},
		{Text: `"deep": "token-2"`, Shown: `"deep": "***"`},
		{Text: `\"pin\":12345678901234567890`, Shown: `\"pin\":\"***\"`},
	} {
		if !slices.Contains(request.Secrets, want) {
			t.Errorf("%q is not among %q", want, request.Secrets)
		}
	}
}

// All of a configuration may be a secret, however short; and what is shown is JSON.
func TestAConfigurationIsShownWithoutItsValues(t *testing.T) {
	t.Parallel()
	for configuration, want := range map[string]string{
		`{"pin":"1234","n":1234567,"on":false,"none":null,"list":["a",1],"in":{"t":""}}`: `{"in":{"t":"***"},"list":["***","***"],"n":"***","none":"***","on":"***","pin":"***"}`,
		`null`: `null`,
		`{}`:   `{}`,
	} {
		request := sampleOf(t, configuration)
		if got := string(request.Shown); got != `{"actions":[],"configuration":`+want+`,"tenantId":""}` {
			t.Errorf("%s is shown as %s", configuration, got)
		}
		if got := string(request.Body); got != `{"actions":[],"configuration":`+configuration+`,"tenantId":""}` {
			t.Errorf("%s is sent as %s", configuration, got)
		}
	}
}
