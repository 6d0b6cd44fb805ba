package render

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// clock is how the time of a line is written.
const clock = "15:04:05.000"

// line prints one of many, as they come: value as JSON on a line, its name, or
// text for people.
func (p *Printer) line(value any, name string, text func(*page)) error {
	out := p.page()
	switch p.Format {
	case JSON:
		enc := json.NewEncoder(&out.Buffer)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(value); err != nil {
			return fmt.Errorf("encode JSON: %w", err)
		}
	case Name:
		fmt.Fprintln(out, clean(name))
	default:
		text(out)
	}
	return p.write(out)
}

// EventLine prints an event when it has come.
func (p *Printer) EventLine(e api.Event) error {
	return p.line(e, e.ID, func(out *page) {
		words := []string{
			out.paint.dim(p.clock(e.Received)), out.paint.bold(clean(e.Type)), clean(object(e.Object)),
		}
		if item := e.Object.ItemID; item != e.Object.BaseID {
			words = append(words, "item "+clean(item.String()))
		}
		if e.Reason != "" && e.Reason != e.Type {
			words = append(words, "("+clean(e.Reason)+")")
		}
		words = append(words, out.paint.dim("from "+clean(e.From)+", id "+clean(e.ID)))
		out.words(words)
	})
}

// AttemptLine prints an attempt when it has ended, where attempts at several
// endpoints are printed with the endpoint's name.
func (p *Printer) AttemptLine(a api.Attempt, several bool) error {
	return p.line(a, a.ID, func(out *page) {
		what := a.EventType
		if a.EventReason != "" && a.EventReason != a.EventType {
			what += " (" + a.EventReason + ")"
		}
		verdict := a.Verdict
		if a.Reason != "ok" {
			verdict += " " + string(a.Reason)
		}
		if a.Status != 0 {
			verdict += " " + strconv.Itoa(a.Status)
		}
		paint := out.paint.bad
		if a.Verdict == "delivered" {
			paint = out.paint.good
		}
		took := time.Duration(a.Duration * float64(time.Second))
		words := []string{out.paint.dim(p.clock(a.Time))}
		if several {
			words = append(words, clean(a.Endpoint))
		}
		words = append(words,
			out.paint.bold(clean(object(a.Object))), clean(what),
			Count(a.Changes, "change"), "attempt "+strconv.Itoa(a.Attempt), paint(clean(verdict)),
			"in "+took.Round(time.Millisecond).String(),
		)
		if after := left(a, a.Time.Add(took)); after != "" {
			words = append(words, out.paint.state(after))
		}
		if a.Error != "" {
			words = append(words, out.paint.dim(clean(a.Error)))
		}
		out.words(words)
	})
}

// left says what an attempt that ended at a time left to be done.
func left(a api.Attempt, ended time.Time) string {
	switch a.State {
	case api.DebtRetrying:
		return "next try " + relativeTo(a.NextAttempt, ended)
	case api.DebtWaiting:
		return "a newer change " + relativeTo(a.NextAttempt, ended)
	case api.DebtFailed:
		return "failed: no more tries"
	case api.DebtDropped:
		return "no longer owed"
	default:
		return ""
	}
}

func (p *Printer) clock(t time.Time) string {
	if !p.Now.IsZero() {
		t = t.In(p.Now.Location())
	}
	return t.Format(clock)
}

// words prints words on a line, two blanks apart.
func (out *page) words(words []string) { fmt.Fprintln(out, strings.Join(words, "  ")) }
