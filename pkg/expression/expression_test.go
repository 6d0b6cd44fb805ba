package expression

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
)

type world struct {
	Sea any    `expr:"sea"`
	Sky string `expr:"sky"`
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`sky ==`:                   "unexpected token EOF (1:6)",
		"sky == 'blue' and\n  see": "unknown name see (2:3) (there are sea, sky)",
		`sky == 1`:                 "invalid operation: == (mismatched types string and int) (1:5)",
		`sea contains "x"`:         "wrong kind of value: list, not string (1:5)",
		`sea + 1 == 2`:             "invalid operation: list + int (1:5)",
		`sea`:                      "wrong kind of result, not true or false: (list) (1:1)",
	} {
		program, err := expr.Compile(text, expr.Env(world{}), expr.AsBool())
		if err == nil {
			_, err = expr.Run(program, world{Sea: []any{}})
		}
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		if got := Explain(err, Names(world{})...); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := Explain(errors.New("a\nb")); got != "a b" {
		t.Errorf("another error: %q", got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if got, want := Names(world{}), []string{"sea", "sky"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLength(t *testing.T) {
	t.Parallel()
	if err := CheckLength(strings.Repeat("x", MaxLength)); err != nil {
		t.Error(err)
	}
	if err := CheckLength(strings.Repeat("x", MaxLength+1)); err == nil || err.Error() != "filter is longer than 8192 bytes" {
		t.Error(err)
	}
}
