package endpoint

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/event"
)

// secretive has the text hunter2 in everything that is secret.
func secretive() Endpoint {
	ep := full()
	ep.URL = "https://dam:hunter2@shop.example/in?token=hunter2&x=1"
	ep.Headers = map[string]string{"Authorization": "Bearer hunter2", "X-Empty": ""}
	ep.Signing = []SigningSecret{{Secret: "whsec_hunter2"}, {Secret: "whsk_hunter2", Expires: rotated}}
	ep.Options = map[string]json.RawMessage{"gatewaySecret": json.RawMessage(`"hunter2"`), "idName": json.RawMessage(`"base"`)}
	return ep
}

func TestSplitLeavesNoSecretAndJoinBringsThemBack(t *testing.T) {
	t.Parallel()
	sameID := cmp.Comparer(func(a, b event.ID) bool { return a == b })
	for name, ep := range map[string]Endpoint{
		"secrets everywhere": secretive(), "none": valid(), "all but secrets": full(),
		"masks that are no masks": {URL: "https://shop.example/?x=***", Headers: map[string]string{"X": "***"}},
	} {
		open, secrets := ep.Split()
		record, err := json.Marshal(open)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(record), "hunter2") {
			t.Errorf("%s: what is left open holds a secret: %s", name, record)
		}
		kept, err := json.Marshal(secrets)
		if err != nil {
			t.Fatal(err)
		}
		var back Endpoint
		var backSecrets Secrets
		if err := json.Unmarshal(record, &back); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(kept, &backSecrets); err != nil {
			t.Fatal(err)
		}
		joined := back.Join(backSecrets)
		if diff := cmp.Diff(ep, joined, sameID); diff != "" {
			t.Errorf("%s: came back changed (-want +got):\n%s", name, diff)
		}
	}
	ep := valid()
	if _, secrets := ep.Split(); !secrets.IsZero() {
		t.Errorf("an endpoint without secrets has %v", secrets)
	}
}
