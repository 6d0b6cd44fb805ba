package managed

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// What an explanation says of a change, and the steps of it that stand against
// telling.
func TestExplain(t *testing.T) {
	t.Parallel()
	const keywords = `{"additionalFields":["keywords"],"triggerFormats":[50036]}`
	for _, tt := range []struct {
		name, options, filter string
		tracked               bool
		now                   string
		change                change
		received              time.Time
		skipped               attempt.Reason
		text                  string
		against               string
	}{
		{"new", "", "", false, before, fields("colour"), noon, "", "", ""},
		{"a standard field", "", "", true, before, fields("title", "colour"), noon, "", "", ""},
		{"an additional field", keywords, "", true, before, fields("keywords"), noon, "", "", ""},
		{"another field", keywords, "", true, before, fields("colour"), noon, attempt.Irrelevant, "field colour is neither standard nor additional", "fields formats"},
		{"other fields", "", "", true, before, fields("colour", "note"), noon, attempt.Irrelevant, "fields colour, note are neither standard nor additional", "fields"},
		{"always", `{"alwaysTrigger":true}`, "", true, before, fields("colour"), noon, "", "", ""},
		{"no fields, and equal", "", "", true, before, change{"AssetMetadataUpdated", ""}, noon.Add(time.Second), attempt.Unchanged, "nothing that it is shown differs from what it has acknowledged", "fields"},
		{"no fields, and equal because it was told", "", "", true, before, change{"AssetMetadataUpdated", ""}, noon.Add(-time.Second), "", "", ""},
		{"no fields, and different", "", "", true, retitle, change{"AssetMetadataUpdated", ""}, noon.Add(time.Second), "", "", ""},
		{"a listed format", keywords, "", true, before, published("50036"), noon, "", "", ""},
		{"another format", keywords, "", true, before, published("50040"), noon, attempt.Irrelevant, "no field changed, and 50040 is none of its formats", "fields formats"},
		{"a format, and none is listed", "", "", true, before, published("50040"), noon, attempt.Irrelevant, "no field changed, and 50040 is none of its formats", "fields formats"},
		{"in the filter", "", "inChannel(42)", true, before, fields("title"), noon, "", "", ""},
		{"left out", "", "inChannel(42)", false, leaves, fields("title"), noon, attempt.Filtered, "its filter leaves the asset out", "tracked filter"},
		{"left out by an error", "", "asset.title > 1", false, leaves, fields("title"), noon, attempt.Filtered, "its filter leaves the asset out: filter: ", "tracked filter"},
		{"leaves the filter", "", "inChannel(42)", true, leaves, fields("title"), noon, "", "its filter leaves the asset out", ""},
		{"gone", "", "", false, hidden, change{"AssetDeleted", ""}, noon, attempt.Untracked, "the asset is deleted, or hidden from it", "tracked asset"},
		{"gone, and to be told", "", "", true, hidden, change{"AssetDeleted", ""}, noon, "", "the asset is deleted, or hidden from it", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.options)
			if tt.tracked {
				r.assets["1"] = shows(before)
				r.track("1", tracking.State{Text: "s", Given: true})
			}
			delete(r.assets, "1")
			if tt.now != hidden {
				r.assets["1"] = shows(tt.now)
			}
			r.ep.Subscription.Filter = tt.filter
			got, err := r.Explain(t.Context(), r.ep, r.event(tt.change.typ, "1", tt.change.more), tt.received)
			if err != nil {
				t.Fatal(err)
			}
			if got.Skipped != tt.skipped || !strings.HasPrefix(got.Text, tt.text) || tt.text == "" && got.Text != "" && tt.skipped != "" {
				t.Errorf("%q, %q; want %q, %q", got.Skipped, got.Text, tt.skipped, tt.text)
			}
			var against []string
			for _, step := range got.Steps {
				if !step.OK {
					against = append(against, step.Name)
				}
			}
			if strings.Join(against, " ") != tt.against {
				t.Errorf("against it stand %q, want %q: %+v", against, tt.against, got.Steps)
			}
			if got.Acknowledged.IsZero() == tt.tracked {
				t.Errorf("acknowledged %s", got.Acknowledged)
			}
		})
	}
}

// An explanation and what is told never differ, the time of it apart.
func TestAnExplanationIsWhatHappens(t *testing.T) {
	t.Parallel()
	for _, now := range []string{before, retitle, rekey, recolor, resign, leaves, hidden} {
		for _, c := range []change{fields("colour"), fields("title"), fields("keywords"), published("50036"), published("7"), {"AssetMetadataUpdated", ""}, {"AssetProfilePublished", ""}} {
			for _, options := range []string{`{}`, `{"additionalFields":["keywords"],"triggerFormats":[50036]}`, `{"alwaysTrigger":true}`} {
				for _, filter := range []string{"", "inChannel(42)"} {
					for _, tracked := range []bool{true, false} {
						r := newRig(t, options)
						r.ep.Subscription.Filter = filter
						if tracked {
							r.assets["1"] = shows(before)
							r.track("1", tracking.State{})
						}
						delete(r.assets, "1")
						if now != hidden {
							r.assets["1"] = shows(now)
						}
						r.owe(c.typ, "1", c.more)
						said, err := r.Explain(t.Context(), r.ep, r.event(c.typ, "1", c.more), told)
						if err != nil {
							t.Fatal(err)
						}
						want := "skipped: " + string(said.Skipped)
						if does := r.becomes(); (said.Skipped == "") == strings.HasPrefix(does, "skipped") || said.Skipped != "" && does != want {
							t.Errorf("%s %s%s of %s: said %q, does %q", options, c.typ, c.more, fmt.Sprintf("%.60s", now), want, does)
						}
					}
				}
			}
		}
	}
}

// Of fields and formats one is enough: what the other says must not seem to forbid it.
func TestAnExplanationSaysWhetherAFieldOrAFormatIsTheReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change          change
		fields, formats string
	}{
		{published("50036"), "no field changed; it is told for its format", "50036 was generated"},
		{published("50036,7"), "no field changed; it is told for its format", "50036, 7 were generated"},
		{fields("keywords"), "keywords changed", "no format was generated; it is told for its fields"},
		{fields("colour"), "field colour is neither standard nor additional", "no format was generated"},
	} {
		r := newRig(t, `{"additionalFields":["keywords"],"triggerFormats":[50036]}`)
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		got, err := r.Explain(t.Context(), r.ep, r.event(tt.change.typ, "1", tt.change.more), noon)
		if err != nil {
			t.Fatal(err)
		}
		said := make(map[string]string)
		for _, step := range got.Steps {
			said[step.Name] = step.Text
		}
		if said["fields"] != tt.fields || said["formats"] != tt.formats {
			t.Errorf("%v: %q and %q, want %q and %q", tt.change, said["fields"], said["formats"], tt.fields, tt.formats)
		}
	}
}

func TestExplainNeedsToLook(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"apiUser":"nobody"}`)
	var unread *catalogue.ReadError
	if _, err := r.Explain(t.Context(), r.ep, r.event("AssetCreated", "1", ""), noon); !errors.As(err, &unread) {
		t.Error(err)
	}
	r = newRig(t, "")
	r.assets["1"] = shows(`[]`)
	if got, err := r.Explain(t.Context(), r.ep, r.event("AssetCreated", "1", ""), noon); err != nil || got.Steps[0].OK || got.Text == "" {
		t.Errorf("%+v, %v", got, err)
	}
}
