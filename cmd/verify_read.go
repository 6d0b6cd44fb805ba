package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/dam-delivery/dz/pkg/listen"
	"github.com/dam-delivery/dz/pkg/render"
)

// oneHeader notes one --header. Its text is not repeated in errors: it may hold a
// secret.
func (o *verifyOptions) oneHeader(text string) error {
	name, value, found := strings.Cut(text, ":")
	if name = strings.TrimSpace(name); !found || name == "" {
		return errors.New("a header has no name: write 'NAME: VALUE'")
	}
	o.header.Add(name, strings.TrimSpace(value))
	return nil
}

// headerFile notes the headers in a file: lines "Name: value" up to an empty one,
// behind the ">" that curl puts before them; lines that are none, such as the
// request's first, are passed over.
func (o *verifyOptions) headerFile(name string) error {
	raw, err := o.app.readAll(name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), ">"))
		if line == "" && len(o.header) > 0 {
			break
		}
		name, value, found := strings.Cut(line, ":")
		if found && httpguts.ValidHeaderFieldName(name) {
			o.header.Add(name, strings.TrimSpace(value))
		}
	}
	if len(o.header) == 0 {
		return fmt.Errorf("%s holds no header: write one a line, 'NAME: VALUE'", name)
	}
	return nil
}

// verifiedLine is what became of a request that was listened to.
type verifiedLine struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	verification
}

// verifyLines checks every request in a file of "dz listen -o json".
func (o *verifyOptions) verifyLines(out *render.Printer, name string) error {
	raw, err := o.app.readAll(name)
	if err != nil {
		return err
	}
	list, rows, failed := []verifiedLine{}, [][]string{}, 0
	number := 0
	for line := range bytes.Lines(raw) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var request listen.Request
		if err := json.Unmarshal(line, &request); err != nil || request.Method == "" {
			return fmt.Errorf("%s: line %d is no request: 'dz listen -o json' prints one a line", name, number)
		}
		header := http.Header{}
		for name, value := range request.Headers {
			header.Set(name, value)
		}
		v := o.verify(header, []byte(request.Body), request.Time)
		if !v.Verified {
			failed++
		}
		list = append(list, verifiedLine{request.Time, request.Method, request.Path, v})
		rows = append(rows, []string{
			strconv.Itoa(number), request.Time.Format(time.RFC3339), request.Method + " " + request.Path, outcome(v), strings.Join(texts(v), "; "),
		})
	}
	if len(list) == 0 {
		return fmt.Errorf("%s holds no request: 'dz listen -o json' prints one a line", name)
	}
	if err := out.Grid(list, []string{"LINE", "TIME", "REQUEST", "OUTCOME", "PROBLEM"}, rows); err != nil {
		return err
	}
	if failed > 0 {
		return errSilent
	}
	return nil
}
