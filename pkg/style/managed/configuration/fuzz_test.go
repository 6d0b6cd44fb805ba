package configuration

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a schema says of a secret, the error does not repeat it.
func FuzzNoErrorRepeatsAValue(f *testing.F) {
	const secret = "hunter2-s3cr3t"
	for _, schema := range []string{
		shop, `{}`, `false`, `{"$ref":"#"}`, `{"properties":{"secret":{"const":1}}}`, `{"properties":{"secret":{"format":"date-time"}}}`,
		`{"additionalProperties":{"anyOf":[{"maxLength":1},{"type":"number"},{"pattern":"^x"}]}}`, `{"not":{}}`, `{"maxProperties":0}`,
		`{"properties":{"list":{"items":{"enum":["a"]},"contains":{"const":2},"uniqueItems":true}}}`,
		`{"properties":{"secret":{"format":"uri"}},"unevaluatedProperties":{"format":"email"}}`, `{"properties":{"secret":{"format":"hostname"}}}`,
		`{"properties":{"secret":{"format":"uri-template"}}}`, `{"properties":{"secret":{"format":"semver"}}}`, `{"propertyNames":{"minLength":99}}`,
	} {
		f.Add(schema)
	}
	configuration := json.RawMessage(`{"secret":"` + secret + `","list":["` + secret + `","` + secret + `",{"at":"` + secret + `"}]}`)
	f.Fuzz(func(t *testing.T, schema string) {
		err := Check(json.RawMessage(schema), configuration)
		if err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(schema, secret) {
			t.Errorf("%v", err)
		}
	})
}
