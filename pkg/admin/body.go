package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// maxBody bounds the body of a request, in bytes; events have a bound of their
// own.
const maxBody = 1 << 20

// jsonInput is a request with a JSON body, which the handler decodes: huma's own
// validation would repeat what was sent, secrets too.
type jsonInput struct {
	RawBody []byte `contentType:"application/json"`
}

// decodeBody reads a JSON object whose members are those of T and no others.
func decodeBody[T any](raw []byte) (T, error) {
	var body T
	members, err := decodeMembers(raw)
	if err != nil {
		return body, err
	}
	known := memberNames(reflect.TypeFor[T]())
	for name := range members {
		if !slices.Contains(known, name) {
			return body, unknownMember(name, known)
		}
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return body, invalid("", "%s", describeJSON("", err))
	}
	return body, nil
}

// decodeMembers reads a JSON object.
func decodeMembers(raw []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, &problem{http.StatusBadRequest, invalid("", "%s", describeJSON("", err))}
	}
	if members == nil {
		return nil, &problem{http.StatusBadRequest, invalid("", "the body is null, not a JSON object")}
	}
	return members, nil
}

func unknownMember(name string, known []string) *api.Error {
	return invalid("", "unknown member %.80q%s", name, suggest.Clause(name, known))
}

// memberNames returns the JSON names of a struct's fields, embedded ones too.
func memberNames(t reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// describeJSON says why JSON could not be read, without what was sent. member is
// where it was, "" for the whole body.
func describeJSON(member string, err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("the body is not JSON: it can't be read beyond byte %d", syntax.Offset)
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		if mismatch.Field != "" {
			member = strings.TrimPrefix(member+"."+mismatch.Field, ".")
		}
		sent, _, _ := strings.Cut(mismatch.Value, " ") // "number 12" holds the number
		if member == "" {
			return fmt.Sprintf("the body is a JSON %s, not an object", sent)
		}
		return fmt.Sprintf("member %s is a JSON %s where %s is due", member, sent, describeType(mismatch.Type))
	}
	if member == "" {
		return err.Error()
	}
	return fmt.Sprintf("member %s: %s", member, err)
}

// describeType names a Go type as JSON knows it.
func describeType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map:
		return "an object"
	default:
		return "a string"
	}
}
