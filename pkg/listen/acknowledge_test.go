package listen

import (
	"io"
	"strings"
	"testing"
)

const managedBatch = `{"actions":[` +
	`{"type":"sync","asset":{"assetId":16},"integrationState":null,"assetStateHash":null,"assetId":16},` +
	`{"type":"sync","asset":{"assetId":17},"integrationState":"{\"told\":4}","assetStateHash":"ab","assetId":17},` +
	`{"type":"sync","asset":{},"integrationState":"somebody else's","assetStateHash":"ab","assetId":"a-18"},` +
	`{"type":"delete","asset":null,"integrationState":"{\"told\":1}","assetStateHash":"ab","assetId":19}],` +
	`"configuration":null,"tenantId":""}`

func TestAManagedBatchIsAcknowledged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		body   string
		want   string
	}{
		"every asset, with the state after its last": {
			body: managedBatch,
			want: `{"Items":[{"AssetId":16,"IntegrationState":"{\"told\":1}"},` +
				`{"AssetId":17,"IntegrationState":"{\"told\":5}"},` +
				`{"AssetId":"a-18","IntegrationState":"{\"told\":1}"},` +
				`{"AssetId":19,"IntegrationState":null}]}`,
		},
		"also where a script answers 200":    {script: "200", body: `{"actions":[{"type":"sync","assetId":1}]}`, want: `{"Items":[{"AssetId":1,"IntegrationState":"{\"told\":1}"}]}`},
		"not with a body of the script's":    {script: "200 body=@short", body: managedBatch, want: "short"},
		"not with an empty one":              {script: "200 body=@empty", body: managedBatch},
		"not by another success":             {script: "201", body: managedBatch},
		"not by a failure":                   {script: "500", body: managedBatch},
		"a notification is answered as ever": {body: `{"ChangeType":1,"Data":{"ItemId":1,"BaseId":2}}`},
		"a batch without ids is none":        {body: `{"actions":[{"type":"sync"}]}`},
		"what is no JSON is none":            {body: `"actions" {`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver, _, url := serve(t, Answer{})
			if test.script != "" {
				script, err := ParseScript("script", strings.NewReader(test.script), func(name string) ([]byte, error) {
					return []byte(map[string]string{"short": "short"}[name]), nil
				})
				if err != nil {
					t.Fatal(err)
				}
				receiver.Script = script
			}
			got, err := io.ReadAll(post(t, url, test.body).Body)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("answered %s\nwant     %s", got, test.want)
			}
		})
	}
}

func TestDescribeABatch(t *testing.T) {
	t.Parallel()
	if got, want := Describe(managedBatch), "sync 16 17 a-18, delete 19"; got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
	many := `{"actions":[` + strings.TrimSuffix(strings.Repeat(`{"type":"sync","assetId":7},`, 200), ",") + `]}`
	if got, want := Describe(many), "sync 7 7 7 7 7 and 195 others"; got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
}
