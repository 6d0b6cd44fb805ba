package style_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func plainStyles(t *testing.T) *style.Set {
	t.Helper()
	set, err := style.NewSet(plain{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	set := plainStyles(t)
	for raw, want := range map[string]string{ // "": valid
		`{}`: "",
		`{"color":"red","text":"","loud":true,"size":-3,"tags":["a"]}`:                "",
		`{"ids":[5,"5","a b"],"every":"00:01:00","batch":100,"part":0,"doc":{"a":1}}`: "",
		`{"ids":[],"every":"24h","batch":1,"part":100,"doc":"text"}`:                  "",
		`{"doc":7}`:              "",
		`{"color":"rad"}`:        `option color: unknown value "rad"; did you mean red? (values: red, green)`,
		`{"color":""}`:           `option color: unknown value ""`,
		`{"color":5}`:            "option color is not a string",
		`{"loud":"yes"}`:         "option loud is not true or false",
		`{"size":1.5}`:           "option size is not a whole number",
		`{"size":"1"}`:           "option size is not a whole number",
		`{"batch":0}`:            "option batch is not a whole number from 1 to 100",
		`{"batch":101}`:          "option batch is not a whole number from 1 to 100",
		`{"part":-1}`:            "option part is not a whole number from 0 to 100",
		`{"tags":"a"}`:           "option tags is not an array of strings",
		`{"tags":[1]}`:           "option tags is not an array of strings",
		`{"ids":5}`:              "option ids is not an array of ids, which are whole numbers or strings",
		`{"ids":[1.5]}`:          "option ids is not an array of ids",
		`{"ids":[""]}`:           "option ids is not an array of ids",
		`{"ids":[null]}`:         "option ids is not an array of ids",
		`{"every":60}`:           "option every is not a length of time of 1m or more, such as 5m or 00:05:00",
		`{"every":"59s"}`:        "option every is not a length of time of 1m or more",
		`{"every":"60"}`:         `option every: duration "60" has no unit`,
		`{"every":"-1h"}`:        `option every: duration "-1h" is negative`,
		"{\"doc\":\"a\xffb\"}":   "option doc is not UTF-8",
		`{"colour":"red"}`:       `style plain has no option "colour"; did you mean color?`,
		`{"b":1,"a":1}`:          `style plain has no option "a"`,
		`{"idName":"basic"}`:     `style plain has no option "idName"`,
		`{"doc":"` + long + `"}`: "option doc is longer than 262144 bytes",
	} {
		err := set.Validate(&endpoint.Endpoint{Name: "shop", URL: "https://shop.example/", Subscription: endpoint.Subscription{ChangeTypes: event.AssetChanged}, Style: "plain", Options: options(raw)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80s: %v, want %q", raw, err, want)
		}
	}
}

var long = strings.Repeat("x", style.MaxOption)

// What is typed is what is then read.
func TestOptionsAreReadAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		option string
		typed  []string
		want   string // JSON
		err    string
	}{
		{"color", []string{"red"}, `"red"`, ""},
		{"color", []string{"rad"}, "", `unknown value "rad"; did you mean red? (values: red, green)`},
		{"text", []string{"a,b"}, `"a,b"`, ""},
		{"loud", []string{"true"}, `true`, ""},
		{"loud", []string{"yes"}, "", `"yes" is not true or false`},
		{"size", []string{"-3"}, `-3`, ""},
		{"size", []string{"3x"}, "", `"3x" is not a whole number`},
		{"batch", []string{"0"}, "", `"0" is not a whole number from 1 to 100`},
		{"tags", []string{"a", "b c"}, `["a","b c"]`, ""},
		{"ids", []string{"50036", "web", `"7"`}, `[50036,"web","7"]`, ""},
		{"ids", []string{`""`}, "", "an id is an empty string"},
		{"every", []string{"00:05:00"}, `"5m"`, ""},
		{"every", []string{"7.00:00:00"}, `"168h"`, ""},
		{"every", []string{"1s"}, "", `"1s" is not a length of time of 1m or more`},
		{"every", []string{"soon"}, "", `duration "soon" can't be read`},
		{"doc", []string{` {"b": 1.50, "a": [null, true]} `}, `{"b": 1.50, "a": [null, true]}`, ""},
		{"doc", []string{`"text"`}, `"text"`, ""},
		{"doc", []string{"s3cret"}, "", "it is not JSON from its beginning: write JSON, or @FILE to read it from a file"},
		{"doc", []string{"{\n  \"a\": 1,\n  \"ä\": s3cret\n}"}, "", "it is not JSON: it can't be read beyond line 3, column 8"},
		{"doc", []string{`{"a": "s3cret"`}, "", "it is not JSON: it can't be read beyond line 1, column 14"},
		{"doc", []string{`{} s3cret`}, "", "it is not JSON: it can't be read beyond line 1, column 4"},
		{"doc", []string{"\"s3cret\xff\""}, "", "it is not UTF-8"},
		{"doc", []string{long + "s3cret"}, "", "it is longer than 262144 bytes"},
	} {
		got, err := declared(t, tt.option).Parse(tt.typed...)
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s %.60q (-want +got):\n%s", tt.option, tt.typed, diff)
		}
		if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s %.60q: %v, want %q", tt.option, tt.typed, err, tt.err)
		}
	}
}

// declared returns an option of style plain.
func declared(t *testing.T, name string) style.Option {
	t.Helper()
	for _, option := range (plain{}).Options() {
		if option.Name == name {
			return option
		}
	}
	t.Fatalf("no option %s", name)
	return style.Option{}
}

func TestValueFallsBack(t *testing.T) {
	t.Parallel()
	ep := &endpoint.Endpoint{Options: options(`{"size":3,"text":"x","bad":[],"every":"00:05:00","ids":[5,"5"]}`)}
	if got := style.Value(ep, "size", 5); got != 3 {
		t.Errorf("size %d", got)
	}
	if got := style.Value(ep, "none", 5); got != 5 {
		t.Errorf("none %d", got)
	}
	if got := style.Value(ep, "bad", "fallback"); got != "fallback" {
		t.Errorf("bad %q", got)
	}
	if got := style.Value(ep, "every", timespan.Span(0)); got.Std() != 5*time.Minute {
		t.Errorf("every %s", got)
	}
	got := style.Value[[]event.ID](ep, "ids", nil)
	if len(got) != 2 || got[0] != event.IntID(5) || got[1] != event.StringID("5") {
		t.Errorf("ids %v", got)
	}
}
