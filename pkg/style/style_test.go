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
		{Name: "ids", Type: style.IDs},
		{Name: "every", Type: style.Duration, Min: int64(time.Minute)},
		{Name: "batch", Type: style.Int, Min: 1, Max: 100},
		{Name: "part", Type: style.Int, Max: 100},
		{Name: "doc", Type: style.JSON, Secret: true},
	}
}

func (plain) Validate(*endpoint.Endpoint) error                     { return nil }
func (plain) Key(*event.Event) (key debt.Key, note []byte, ok bool) { return "", nil, false }
func (plain) Limits(*endpoint.Endpoint) style.Limits                { return style.Limits{} }

func (plain) Compose(context.Context, *endpoint.Endpoint, []debt.Debt, time.Time) (style.Message, error) {
	return style.Message{}, nil
}

func (plain) Sample(*endpoint.Endpoint, time.Time) (style.Message, error) {
	return style.Message{}, nil
}

func options(raw string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		panic(err)
	}
	return all
}

func TestASetKnowsItsStylesByName(t *testing.T) {
	t.Parallel()
	if _, err := style.NewSet(plain{}, plain{}); err == nil || !strings.Contains(err.Error(), `style "plain" is registered twice`) {
		t.Errorf("two of one name: %v", err)
	}
	set, err := builtin.Styles(builtin.Nothing())
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
	set, err := builtin.Styles(builtin.Nothing())
	if err != nil {
		t.Fatal(err)
	}
	flags := make(map[string]style.Option)
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
			if option.Name == "" || option.Flag != strings.ToLower(option.Flag) || option.Flag != "" && option.Usage == "" {
				t.Errorf("%s: option %+v", name, option)
			}
			if same, ok := flags[option.Flag]; ok && option.Flag != "" && (same.Name != option.Name || same.Type != option.Type) {
				t.Errorf("--%s is of %s %s and of %s %s", option.Flag, same.Type, same.Name, option.Type, option.Name)
			}
			flags[option.Flag] = option
			if option.Default == nil {
				continue
			}
			raw, err := json.Marshal(option.Default)
			if err != nil {
				t.Fatal(err)
			}
			with := *ep
			with.Options = map[string]json.RawMessage{option.Name: raw}
			with.Subscription.ChangeTypes = event.AssetChanged
			if err := set.Validate(&with); err != nil {
				t.Errorf("%s: default %s: %v", name, raw, err)
			}
		}
		sample, err := s.Sample(ep, time.Unix(1, 0))
		r := sample.Request
		if err != nil || r.Header.Get(style.TestHeader) != "1" || !strings.HasPrefix(r.ID, "msg_test_") || r.ContentType == "" {
			t.Errorf("%s: sample %+v, %v", name, sample, err)
		}
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
