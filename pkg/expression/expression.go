// Package expression owns what filters have in common, whatever they are about:
// their language (https://expr-lang.org), how long one may be, and how people are
// told what is wrong with one.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr/file"
)

// MaxLength bounds the text of an expression, in bytes.
const MaxLength = 8 << 10

// CheckLength refuses a text that is too long.
func CheckLength(text string) error {
	if len(text) > MaxLength {
		return fmt.Errorf("filter is longer than %d bytes", MaxLength)
	}
	return nil
}

// plainly says in people's words what the language says in Go's.
var plainly = strings.NewReplacer(
	"\n", " ",
	"interface conversion: interface {} is ", "wrong kind of value: ",
	"invalid operation: bool(", "wrong kind of result, not true or false: (",
	"map[string]interface {}", "object",
	"[]interface {}", "list",
	"interface {}", "value",
)

// Explain says in one line what is wrong with an expression, or why it failed,
// and where: as line:column, from 1 on. names are what there is instead of a
// name that there is not.
func Explain(err error, names ...string) string {
	text := err.Error()
	var at *file.Error
	if errors.As(err, &at) {
		text = at.Message
		if at.Line > 0 {
			text += fmt.Sprintf(" (%d:%d)", at.Line, at.Column+1)
		}
	}
	text = plainly.Replace(text)
	if strings.Contains(text, "unknown name ") && len(names) > 0 {
		text += " (there are " + strings.Join(names, ", ") + ")"
	}
	return text
}

// Names lists what an expression may name of a struct, by the tags "expr" of its
// fields.
func Names(of any) []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(of)) {
		names = append(names, field.Tag.Get("expr"))
	}
	return names
}
