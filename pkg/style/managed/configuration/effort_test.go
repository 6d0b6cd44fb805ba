package configuration

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// doubling is a schema of n levels, each of which asks the one below twice.
func doubling(n int, level string) string {
	var defs strings.Builder
	fmt.Fprintf(&defs, `"l0":{"required":["none"]}`)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&defs, `,"l%d":%s`, i, strings.ReplaceAll(level, "BELOW", fmt.Sprintf(`{"$ref":"#/$defs/l%d"}`, i-1)))
	}
	return fmt.Sprintf(`{"$defs":{%s},"$ref":"#/$defs/l%d"}`, &defs, n)
}

func ofNumbers(n int) string {
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i)
	}
	return "[" + strings.Join(numbers, ",") + "]"
}

// Schemas that would take longer than anybody waits.
func TestAnEndlessCheckEnds(t *testing.T) {
	t.Parallel()
	chain := doubling(1200, `{"allOf":[BELOW]}`)
	for name, tt := range map[string]struct{ schema, configuration string }{
		"allOf":              {doubling(60, `{"allOf":[BELOW,BELOW]}`), `{}`},
		"anyOf":              {doubling(60, `{"anyOf":[BELOW,BELOW]}`), `{}`},
		"dependentSchemas":   {doubling(60, `{"dependentSchemas":{"a":BELOW,"b":BELOW}}`), `{"a":1,"b":2}`},
		"in a draft of old":  {`{"$schema":"http://json-schema.org/draft-07/schema#",` + doubling(60, `{"allOf":[BELOW,BELOW]}`)[1:], `{}`},
		"in itself":          {`{"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}},"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)},
		"a chain at a depth": {`{"additionalProperties":{"$ref":"#"},` + strings.TrimPrefix(strings.Replace(chain, `"l0":{"required":["none"]}`, `"l0":{}`, 1), "{"), strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60)},
		"enum":               {`{"additionalProperties":{"items":{"enum":` + ofNumbers(4500) + `}}}`, `{"a":` + ofNumbers(9000) + `}`},
		"pattern":            {`{"additionalProperties":{"pattern":"^(a|b|ab){900}$"}}`, `{"a":"` + strings.Repeat("ab", 100_000) + `"}`},
		"patternProperties":  {`{"patternProperties":{"(a|b|ab){900}$":true,"(a|b|ba){900}$":true}}`, `{"` + strings.Repeat("ab", 100_000) + `":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check(json.RawMessage(tt.schema), json.RawMessage(tt.configuration))
			if err == nil || err.Error() != "configuration: its schema takes more than 100000 steps to check it" {
				t.Errorf("%v", err)
			}
		})
	}
}

// A schema and a configuration larger than any that people write.
func TestALargeConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	var properties, members []string
	for i := range 200 {
		properties = append(properties, fmt.Sprintf(`"p%d":{"anyOf":[{"$ref":"#/$defs/row"},{"type":"array","items":{"$ref":"#/$defs/row"}}]}`, i))
		members = append(members, fmt.Sprintf(`"p%d":[{"from":"title","to":"name"},{"from":"keywords","to":"tags"}]`, i))
	}
	schema := `{"$defs":{"row":{"type":"object","required":["from","to"],"properties":{
		"from":{"type":"string","pattern":"^[a-zA-Z0-9_.-]{1,64}$"},"to":{"enum":["name","tags","other"]}}}},
		"properties":{` + strings.Join(properties, ",") + `}}`
	compiled, err := Compile(json.RawMessage(schema))
	if err != nil {
		t.Fatal(err)
	}
	// One that is compiled is checked with again and again, by several at a time.
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if err := compiled.Check(json.RawMessage("{" + strings.Join(members, ",") + "}")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	err = compiled.Check(json.RawMessage(`{"p7":[{"from":"s3cret!","to":"name"}]}`))
	if err == nil || err.Error() != `configuration: /p7/0/from: does not match "^[a-zA-Z0-9_.-]{1,64}$" (pattern)` {
		t.Errorf("%v", err)
	}
}

// A format of patterns in the configuration is no effort that adds up.
func TestChecksDoNotWearOut(t *testing.T) {
	t.Parallel()
	compiled, err := Compile(json.RawMessage(`{"properties":{"p":{"format":"regex"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := compiled.Check(json.RawMessage(`{"p":"^a{900}$"}`)); err != nil {
			t.Fatal(err)
		}
	}
}
