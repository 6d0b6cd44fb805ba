package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// Exchange prints a request and its answer the way HTTP writes them: what was
// sent begins with ">", what came back with "<". Its name is its reason.
func (p *Printer) Exchange(e api.Exchange) error {
	return p.show(e, []string{string(e.Reason)}, func(out *page) { out.exchange(e) })
}

// Exchanges prints those of several endpoints beneath each other, each with its
// endpoint's name. Their names are the endpoints' and the reasons.
func (p *Printer) Exchanges(list []api.Exchange) error {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Endpoint + " " + string(e.Reason)
	}
	return p.show(list, names, func(out *page) {
		for i, e := range list {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "%s:\n", out.paint.bold(clean(e.Endpoint)))
			out.exchange(e)
		}
	})
}

func (out *page) exchange(e api.Exchange) {
	out.message(">", e.Request.Method+" "+clean(e.Request.URL), e.Request.Headers, e.Request.Body)
	fmt.Fprintln(out)
	if r := e.Response; r != nil {
		out.message("<", strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status))), r.Headers, r.Body)
		fmt.Fprintln(out)
	}
	took := time.Duration(e.Duration * float64(time.Second)).Round(time.Millisecond)
	if e.Delivered {
		fmt.Fprintf(out, "%s in %s\n", out.paint.good("delivered"), took)
		return
	}
	fmt.Fprintf(out, "%s after %s: %s\n", out.paint.bad("not delivered ("+string(e.Reason)+")"), took, clean(e.Error))
}

// message prints one side of an exchange.
func (out *page) message(mark, first string, headers map[string]string, body string) {
	mark = out.paint.dim(mark)
	fmt.Fprintf(out, "%s %s\n", mark, out.paint.bold(first))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(out, "%s %s %s\n", mark, out.paint.dim(clean(name)+":"), clean(headers[name]))
	}
	if body == "" {
		return
	}
	fmt.Fprintf(out, "%s\n", mark)
	for line := range strings.Lines(pretty(body)) {
		fmt.Fprintf(out, "%s %s\n", mark, strings.TrimRight(line, "\n"))
	}
}

// pretty indents a body that is JSON.
func pretty(body string) string {
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(body), "", "  ") == nil {
		body = indented.String()
	}
	return cleanBlock(body)
}

// Received is a request that a receiver got, as it is shown.
type Received struct {
	Time   time.Time
	Method string
	Path   string
	About  string // what it tells, in a few words; "" if it is not known
	Answer string // what was answered: a status, or that there was no answer
	OK     bool   // the answer was a success
	// Verified says whether its signature is right, Problem why it is not; nil:
	// it was not checked.
	Verified *bool
	Problem  string
	Headers  map[string]string
	Body     string
}

// Detail is how much of a received request is shown.
type Detail int

// The details, each with all before it.
const (
	Line Detail = iota
	Body
	Headers
)

// Received prints a request when it has arrived. It knows only the table's form.
func (p *Printer) Received(r Received, detail Detail) error {
	out := p.page()
	answer := out.paint.good(r.Answer)
	if !r.OK {
		answer = out.paint.bad(r.Answer)
	}
	fmt.Fprintf(out, "%s %s → %s", out.paint.dim(r.Time.Format("15:04:05.000")),
		out.paint.bold(clean(r.Method+" "+r.Path)), answer)
	if r.About != "" {
		fmt.Fprintf(out, "  %s", clean(r.About))
	}
	switch {
	case r.Verified == nil:
	case *r.Verified:
		fmt.Fprintf(out, "  %s", out.paint.good("verified"))
	default:
		fmt.Fprintf(out, "  %s", out.paint.bad("not verified: "+clean(r.Problem)))
	}
	fmt.Fprintln(out)
	if detail >= Headers {
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			fmt.Fprintf(out, "    %s %s\n", out.paint.dim(clean(name)+":"), clean(r.Headers[name]))
		}
	}
	if detail >= Body && r.Body != "" {
		for line := range strings.Lines(pretty(r.Body)) {
			fmt.Fprintf(out, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
	return p.write(out)
}
