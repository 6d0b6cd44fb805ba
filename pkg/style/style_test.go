package style_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/builtin"
)

// plain is a style with an option of each type.
type plain struct{}

func (plain) Name() string { return "plain" }

func (plain) Options() []style.Option {
	return []style.Option{
		{Name: "color", Type: style.String, Values: []string{"red", "green"}},
		{Name: "text", Type: style.String},
		{Name: "loud", Type: style.Bool},
		{Name: "size", Type: style.Int},
		{Name: "tags", Type: style.Strings},
	}
}

func (plain) Validate(*endpoint.Endpoint) error                     { return nil }
func (plain) Key(*event.Event) (key debt.Key, note []byte, ok bool) { return "", nil, false }
func (plain) Limits(*endpoint.Endpoint) style.Limits                { return style.Limits{} }

func (plain) Compose(context.Context, *endpoint.Endpoint, []debt.Debt, time.Time) (attempt.Request, error) {
	return attempt.Request{}, nil
}

func (plain) Interpret(*endpoint.Endpoint, []debt.Debt, attempt.Answer, attempt.Outcome) []attempt.Outcome {
	return nil
}

func (plain) Sample(*endpoint.Endpoint, time.Time) (attempt.Request, error) {
	return attempt.Request{}, nil
}

func options(raw string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		panic(err)
	}
	return all
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	set, err := style.NewSet(plain{})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{ // "": valid
		`{}`: "",
		`{"color":"red","text":"","loud":true,"size":-3,"tags":["a"]}`: "",
		`{"color":"rad"}`:    `option color: unknown value "rad"; did you mean red? (values: red, green)`,
		`{"color":""}`:       `option color: unknown value ""`,
		`{"color":5}`:        "option color is not a string",
		`{"loud":"yes"}`:     "option loud is not true or false",
		`{"size":1.5}`:       "option size is not a whole number",
		`{"size":"1"}`:       "option size is not a whole number",
		`{"tags":"a"}`:       "option tags is not an array of strings",
		`{"tags":[1]}`:       "option tags is not an array of strings",
		`{"colour":"red"}`:   `style plain has no option "colour"; did you mean color?`,
		`{"b":1,"a":1}`:      `style plain has no option "a"`,
		`{"idName":"basic"}`: `style plain has no option "idName"`,
	} {
		err := set.Validate(&endpoint.Endpoint{Style: "plain", Options: options(raw)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}

func TestASetKnowsItsStylesByName(t *testing.T) {
	t.Parallel()
	if _, err := style.NewSet(plain{}, plain{}); err == nil || !strings.Contains(err.Error(), `style "plain" is registered twice`) {
		t.Errorf("two of one name: %v", err)
	}
	set, err := builtin.Styles(catalogue.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(set.Names(), "notify") || !slices.IsSorted(set.Names()) {
		t.Errorf("built in: %v", set.Names())
	}
	for _, name := range set.Names() {
		if got, err := set.Get(name); err != nil || got.Name() != name {
			t.Errorf("Get(%q): %v, %v", name, got, err)
		}
	}
	err = set.Validate(&endpoint.Endpoint{Style: "notfy"})
	if err == nil || !strings.Contains(err.Error(), `unknown style "notfy"; did you mean notify? (styles: `) {
		t.Errorf("unknown: %v", err)
	}
	err = set.Validate(&endpoint.Endpoint{Style: "notify", Options: options(`{"idName":"bace"}`)})
	if err == nil || !strings.Contains(err.Error(), "did you mean base?") {
		t.Errorf("a wrong value: %v", err)
	}
}

// What every built-in style has to keep to.
func TestBuiltinStylesDeclareThemselvesWell(t *testing.T) {
	t.Parallel()
	set, err := builtin.Styles(catalogue.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range set.Names() {
		s, err := set.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		ep := &endpoint.Endpoint{Name: "shop", Style: name, URL: "https://shop.example/"}
		if limits := s.Limits(ep); limits.Batch < 1 || limits.Answer < 1 || limits.Timeout <= 0 {
			t.Errorf("%s: limits %+v", name, limits)
		}
		for _, option := range s.Options() {
			if option.Name == "" || option.Flag == "" || option.Flag != strings.ToLower(option.Flag) || option.Usage == "" {
				t.Errorf("%s: option %+v", name, option)
			}
			if text, ok := option.Default.(string); ok && len(option.Values) > 0 && !slices.Contains(option.Values, text) {
				t.Errorf("%s: default %q of %s is not one of %v", name, text, option.Name, option.Values)
			}
		}
		sample, err := s.Sample(ep, time.Unix(1, 0))
		if err != nil || sample.Header.Get(style.TestHeader) != "1" || !strings.HasPrefix(sample.ID, "msg_test_") || sample.ContentType == "" {
			t.Errorf("%s: sample %+v, %v", name, sample, err)
		}
	}
}

func TestValueFallsBack(t *testing.T) {
	t.Parallel()
	ep := &endpoint.Endpoint{Options: options(`{"size":3,"text":"x","bad":[]}`)}
	if got := style.Value(ep, "size", 5); got != 3 {
		t.Errorf("size %d", got)
	}
	if got := style.Value(ep, "none", 5); got != 5 {
		t.Errorf("none %d", got)
	}
	if got := style.Value(ep, "bad", "fallback"); got != "fallback" {
		t.Errorf("bad %q", got)
	}
}

// prompt is a style that holds nothing back.
type prompt struct{ plain }

func (prompt) Debounce() time.Duration { return 0 }

func TestAStyleMayHaveAQuietWindowOfItsOwn(t *testing.T) {
	t.Parallel()
	daemons := endpoint.Window{Interval: 5 * time.Second, MaxWait: time.Minute}
	if got := style.Window(plain{}, daemons); got != daemons {
		t.Errorf("a style that has none: %+v", got)
	}
	if got := style.Window(prompt{}, daemons); got != (endpoint.Window{MaxWait: time.Minute}) {
		t.Errorf("a style that has one: %+v", got)
	}
}

func TestMarkTestKeepsOtherHeaders(t *testing.T) {
	t.Parallel()
	r := attempt.Request{ID: "msg_1", Header: http.Header{"X": {"y"}}}
	style.MarkTest(&r, time.Unix(0, 7))
	if r.ID != "msg_test_7" || r.Header.Get("X") != "y" || r.Header.Get("Dz-Test") != "1" {
		t.Errorf("%+v", r)
	}
}
