package rest

import (
	"context"
	"crypto/md5" //nolint:gosec // a DAM's signature is what it is
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"
)

// maxRun bounds how long a program may run.
const maxRun = 2 * time.Second

// program is a compiled jq program. It may be run by several goroutines at a
// time.
type program struct {
	name      string // of the declaration's key
	code      *gojq.Code
	variables []string
}

// scope holds the values of variables by name; what is missing is null.
type scope map[string]any

// compileProgram compiles a program. It has no access to files and environment.
func compileProgram(name, text string, variables []string) (*program, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: not jq: %w", name, err)
	}
	dollars := make([]string, len(variables))
	for i, variable := range variables {
		dollars[i] = "$" + variable
	}
	code, err := gojq.Compile(query,
		gojq.WithVariables(dollars),
		gojq.WithFunction("locale", 1, 2, locale),
		gojq.WithFunction("md5", 0, 0, digest("md5", func(text string) []byte {
			sum := md5.Sum([]byte(text)) //nolint:gosec // as above
			return sum[:]
		})),
		gojq.WithFunction("sha256", 0, 0, digest("sha256", func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			return sum[:]
		})),
	)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &program{name: name, code: code, variables: variables}, nil
}

// run returns the program's first output, nil if it has none. The error's text
// may quote the input.
func (p *program) run(ctx context.Context, input any, values scope) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRun)
	defer cancel()
	ordered := make([]any, len(p.variables))
	for i, name := range p.variables {
		ordered[i] = values[name]
	}
	output, ok := p.code.RunWithContext(ctx, input, ordered...).Next()
	if !ok {
		return nil, nil
	}
	if err, failed := output.(error); failed {
		var halt *gojq.HaltError
		if errors.As(err, &halt) && halt.Value() == nil {
			return nil, nil // "halt" ends a program without an error
		}
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return output, nil
}

func locale(value any, args []any) any {
	byLocale, ok := value.(map[string]any)
	if !ok {
		return value
	}
	for _, arg := range args {
		language, ok := arg.(string)
		if !ok {
			return errors.New("locale: a language is no text")
		}
		if found, ok := byLocale[language]; ok && found != nil {
			return found
		}
	}
	return nil
}

func digest(name string, sum func(string) []byte) func(any, []any) any {
	return func(value any, _ []any) any {
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s: of a text only", name)
		}
		return hex.EncodeToString(sum(text))
	}
}
