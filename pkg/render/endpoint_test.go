package render

import "testing"

func TestAnOptionIsShownAsItIsReadBest(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"text"`:         "text",
		`"\u001b[31m"`:   "\ufffd[31m",
		`200`:            "200",
		`["a",5]`:        "a, 5",
		`[]`:             "[]",
		`[{"a":5}]`:      `[{"a":5}]`,
		`{"apiKey":"k"}`: `{"apiKey":"k"}`,
		`{"apiKey":"***","retries":"***","fields":["***"],"mode":"***","name":"***"}`: `{
  "apiKey": "***",
  "retries": "***",
  "fields": [
    "***"
  ],
  "mode": "***",
  "name": "***"
}`,
	} {
		if got := optionText([]byte(raw)); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestAnOptionHasALabelInWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"guard": "Guard", "additionalFields": "Additional fields", "maxBatchSize": "Max batch size", "": "",
		"tenantId": "Tenant ID", "apiUser": "API user",
	} {
		if got := optionLabel(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
