package configuration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// shop is a schema as an integration has one.
const shop = `{
	"type": "object",
	"required": ["apiKey"],
	"additionalProperties": false,
	"properties": {
		"apiKey": {"type": "string", "pattern": "^[a-z0-9]{8,}$"},
		"retries": {"type": "integer", "minimum": 0, "maximum": 10},
		"mode": {"enum": ["fast", "safe"]},
		"url": {"type": "string", "format": "uri"},
		"mail": {"$ref": "#/$defs/mail"},
		"fields": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string", "maxLength": 8}},
		"auth": {"oneOf": [
			{"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}, "additionalProperties": false},
			{"type": "string"}
		]}
	},
	"$defs": {"mail": {"type": "string", "format": "email"}}
}`

func TestAConfigurationIsHeldToItsSchema(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ schema, configuration, want string }{ // "": valid
		{"", "", ""},
		{"", "null", ""},
		{"null", `{"any":["thing",1.5,null]}`, ""},
		{"", `[1]`, "configuration: it is an array, not an object"},
		{"", `"s3cret"`, "configuration: it is a string, not an object"},
		{"true", `{"a":1}`, ""},
		{"false", `{"a":1}`, "configuration: /: not allowed"},
		{shop, `{"apiKey":"abcdefgh","retries":3,"mode":"fast","url":"https://a.example/","mail":"a@b.example","fields":["a"],"auth":{"token":"x"}}`, ""},
		{shop, ``, "configuration: /apiKey: missing (required)"},
		{shop, `{"retries":"three"}`, "configuration: /apiKey: missing (required); /retries: got string, want integer"},
		{shop, `{"apiKey":"S3CRET"}`, `configuration: /apiKey: does not match "^[a-z0-9]{8,}$" (pattern)`},
		{shop, `{"apiKey":"abcdefgh","apikey":"s3cret"}`, "configuration: /apikey: not allowed (additionalProperties)"},
		{shop, `{"apiKey":"abcdefgh","retries":11}`, "configuration: /retries: more than 10 (maximum)"},
		{shop, `{"apiKey":"abcdefgh","mode":"s3cret"}`, `configuration: /mode: not one of "fast","safe" (enum)`},
		{shop, `{"apiKey":"abcdefgh","url":"s3cret"}`, "configuration: /url: not of format uri"},
		{shop, `{"apiKey":"abcdefgh","mail":"s3cret"}`, "configuration: /mail: not of format email"},
		{shop, `{"apiKey":"abcdefgh","fields":[]}`, "configuration: /fields: fewer than 1 elements (minItems)"},
		{shop, `{"apiKey":"abcdefgh","fields":["s3cret","a","s3cret"]}`, "configuration: /fields: elements 0 and 2 are equal (uniqueItems)"},
		{shop, `{"apiKey":"abcdefgh","fields":["a","s3cret-and-long"]}`, "configuration: /fields/1: longer than 8 characters (maxLength)"},
		{shop, `{"apiKey":"abcdefgh","auth":{"tokn":"s3cret"}}`, "configuration: /auth/token: missing (required); /auth/tokn: not allowed (additionalProperties)"},
		{shop, `{"apiKey":"abcdefgh","auth":7}`, "configuration: /auth: matches none of the alternatives (oneOf)"},
		{`{"properties":{"a/b":{"type":"string"}}}`, `{"a/b":7}`, "configuration: /a~1b: got number, want string"},
		{`{"dependentRequired":{"user":["password"]}}`, `{"user":"s3cret"}`, `configuration: /password: missing (required with "user")`},
		{`{"properties":{"a":{"propertyNames":{"maxLength":2}},"b":{"type":"string"}}}`, `{"a":{"abc":"s3cret"}}`, `configuration: /: no member may have the name "abc" (propertyNames)`},
		{`{"properties":{"n":{"const":1.50}}}`, `{"n":"s3cret"}`, "configuration: /n: not 1.50 (const)"},
		{`{"properties":{"n":{"multipleOf":0.5,"exclusiveMinimum":7}}}`, `{"n":5.25}`, "configuration: /n: not a multiple of 0.5 (multipleOf); /n: not more than 7 (exclusiveMinimum)"},
		{`{"properties":{"n":{"not":{"type":"string"}}}}`, `{"n":"s3cret"}`, "configuration: /n: is what it must not be (not)"},
		{`{"unevaluatedProperties":false}`, `{"n":"s3cret"}`, "configuration: /n: not allowed"},
		{`{"properties":{"n":{"contains":{"type":"number"}}}}`, `{"n":["s3cret"]}`, "configuration: /n: not what the schema wants (contains)"},
		{`{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":2}`, "configuration: /: matches alternatives 1 and 2, not one alone (oneOf)"},
		{
			`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`,
			"configuration: /: matches none of the alternatives (anyOf); /a: missing (required)",
		},
		// Older drafts say the same in other words.
		{`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"n":{"minimum":1,"exclusiveMinimum":true}}}`, `{"n":1}`, "configuration: /n: not more than 1 (exclusiveMinimum)"},
		{`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{"type":"string"}},"properties":{"n":{"$ref":"#/definitions/s"}}}`, `{"n":1}`, "configuration: /n: got number, want string"},
		{`{"$schema":"https://json-schema.org/draft/2019-09/schema","properties":{"n":{"format":"ipv4"}}}`, `{"n":"s3cret"}`, "configuration: /n: not of format ipv4"},
		// An address of its own is none to fetch from.
		{`{"$id":"https://pim.example/schema","$defs":{"s":{"type":"string"}},"properties":{"n":{"$ref":"https://pim.example/schema#/$defs/s"}}}`, `{"n":1}`, "configuration: /n: got number, want string"},
		{`{"properties":{"n":{"$ref":"#"}}}`, `{"n":{"n":{"n":{}}}}`, ""},
	} {
		err := Check(json.RawMessage(tt.schema), json.RawMessage(tt.configuration))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("%s by %.60s:\n got %v\nwant %s", tt.configuration, tt.schema, err, tt.want)
		}
	}
}

func TestWhatIsNoSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`[]`:                  "configurationSchema: a schema is an object, not an array",
		`"string"`:            "configurationSchema: a schema is an object, not a string",
		`{"type":"strin"}`:    `configurationSchema: /type: not one of "array"`,
		`{"type":"object"`:    "configurationSchema: it is not JSON",
		`{} {}`:               "configurationSchema: it is more than one JSON value",
		`{"required":"a"}`:    "configurationSchema: /required: got string, want array",
		`{"pattern":"(?=a)"}`: "configurationSchema: /pattern: not of format regex",
		`{"$ref":"https://127.0.0.1:1/schema.json"}`:                                  "configurationSchema: it refers to https://127.0.0.1:1/schema.json, and nothing is fetched for a schema, neither from the network nor from files",
		`{"$ref":"file:///etc/passwd"}`:                                               "configurationSchema: it refers to file:///etc/passwd, and nothing is fetched",
		`{"$ref":"other.json#/a"}`:                                                    "configurationSchema: it refers to other.json, and nothing is fetched",
		`{"$id":"http://127.0.0.1:1/a/","$ref":"other.json"}`:                         "configurationSchema: it refers to http://127.0.0.1:1/a/other.json, and nothing is fetched",
		`{"$schema":"https://127.0.0.1:1/draft"}`:                                     "configurationSchema: /$schema: https://127.0.0.1:1/draft is no draft that is known: 2020-12",
		`{"$ref":"#/$defs/none"}`:                                                     `not found`,
		`{"$ref":"#nowhere"}`:                                                         `not found`,
		`{"minLength":-1}`:                                                            "configurationSchema: /minLength: less than 0 (minimum)",
		`{"minLength":1e999999999}`:                                                   "configurationSchema: a number in it has more than 100 digits",
		`{"const":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`:         "configurationSchema: it is nested deeper than 64 levels",
		`{"enum":[` + strings.Repeat("1,", 10_000) + `2]}`:                            "configurationSchema: it has more than 5000 values",
		`{"description":"` + strings.Repeat("x", maxSize) + `"}`:                      "configurationSchema: it is longer than 262144 bytes",
		"{\"title\":\"\xff\"}":                                                        "configurationSchema: it is not UTF-8",
		`{"pattern":"((a{100}){10}){10}"}`:                                            "configurationSchema: /pattern:",
		`{"patternProperties":{"` + strings.Repeat(`x{900}`, 20) + `":{"type":"a"}}}`: "configurationSchema: ",
	} {
		if err := Check(json.RawMessage(schema), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s:\n got %v\nwant %s", schema, err, want)
		}
	}
}

func TestAConfigurationIsBounded(t *testing.T) {
	t.Parallel()
	for configuration, want := range map[string]string{
		`{"a":1e1000000000}`:                                        "configuration: a number in it has more than 100 digits",
		`{"a":-1E-101}`:                                             "configuration: a number in it has more than 100 digits",
		`{"a":` + strings.Repeat("9", 101) + `}`:                    "configuration: a number in it has more than 100 digits",
		`{"a":"` + strings.Repeat("x", maxSize) + `"}`:              "configuration: it is longer than 262144 bytes",
		`{"a":[` + strings.Repeat("{},", 10_000) + `{}]}`:           "configuration: it has more than 10000 values",
		strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65): "configuration: it is nested deeper than 64 levels",
		`{"a":s3cret}`:                                              "configuration: it is not JSON",
	} {
		if err := Check(nil, json.RawMessage(configuration)); err == nil || err.Error() != want {
			t.Errorf("%.80s: %v, want %s", configuration, err, want)
		}
	}
}

func TestOnlyTheFirstViolationsAreTold(t *testing.T) {
	t.Parallel()
	var members []string
	for i := range 30 {
		members = append(members, fmt.Sprintf(`"m%02d":"s3cret"`, i))
	}
	err := Check(json.RawMessage(`{"additionalProperties":{"type":"number"}}`), json.RawMessage("{"+strings.Join(members, ",")+"}"))
	if err == nil || strings.Count(err.Error(), "got string") != maxViolations || !strings.HasSuffix(err.Error(), "; and 20 more") ||
		!strings.HasPrefix(err.Error(), "configuration: /m00: got string, want number; /m01") {
		t.Errorf("%v", err)
	}
}
