package render

import (
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
)

// maxRecent is how many recent events of an object are shown with an explanation.
const maxRecent = 5

// Explanation prints why endpoints were told of an event, or of an object, or not.
// Its names are the endpoints'.
func (p *Printer) Explanation(e api.Explanation) error {
	names := make([]string, len(e.Endpoints))
	for i := range e.Endpoints {
		names[i] = e.Endpoints[i].Endpoint
	}
	return p.show(e, names, func(out *page) {
		out.explained(&e)
		if len(e.Endpoints) == 0 {
			fmt.Fprintln(out, "\nthere is no endpoint")
		}
		for i := range e.Endpoints {
			fmt.Fprintln(out)
			out.explanation(&e.Endpoints[i])
		}
	})
}

// explained says what is explained.
func (out *page) explained(e *api.Explanation) {
	if e.Event == nil {
		fmt.Fprintf(out, "%s: no event of it is kept", out.paint.bold(clean(e.Object)))
		if e.KeptFrom != nil {
			fmt.Fprintf(out, "; those that are kept go back to %s", moment(*e.KeptFrom, out.now))
		}
		fmt.Fprintln(out)
		return
	}
	if e.Object != "" {
		fmt.Fprintf(out, "%s: by its latest event\n", out.paint.bold(clean(e.Object)))
	}
	event := *e.Event
	out.pairs(
		pair{"Event", out.paint.bold(clean(event.ID)) + " from " + clean(event.From)},
		pair{"Type", clean(event.Type)},
		pair{"Reason", clean(event.Reason)},
		pair{"Object", clean(object(event.Object)) + ", item " + clean(event.Object.ItemID.String())},
		pair{"Received", moment(event.Received, out.now)},
	)
	for i, before := range e.Recent {
		switch {
		case i == 0:
		case i > maxRecent:
			fmt.Fprintf(out, "%s\n", out.paint.dim("  and before that others"))
			return
		default:
			fmt.Fprintf(out, "%s\n", out.paint.dim(fmt.Sprintf("  before that %s, %s, id %s", clean(before.Type), relative(before.Received, out.now), clean(before.ID))))
		}
	}
}

// explanation prints what is said of one endpoint.
func (out *page) explanation(e *api.EndpointExplanation) {
	fmt.Fprintf(out, "%s  %s  %s\n", out.paint.bold(clean(e.Endpoint)), out.verdict(e.Verdict), clean(e.Text))
	longest := 0
	for _, step := range e.Steps {
		longest = max(longest, len(step.Step))
	}
	for _, step := range e.Steps {
		mark := out.paint.good("ok")
		if !step.OK {
			mark = out.paint.bad("no")
		}
		text := clean(step.Wants)
		switch {
		case text == "":
			text = clean(step.Text)
		case step.Text != "":
			text += ": " + clean(step.Text)
		}
		if text == "" {
			text = clean(e.State)
		}
		fmt.Fprintf(out, "  %s  %-*s  %s\n", mark, longest, clean(step.Step), text)
	}
	for _, owed := range e.Owed {
		what := owed.EventType
		if owed.EventReason != "" && owed.EventReason != owed.EventType {
			what += " (" + owed.EventReason + ")"
		}
		fmt.Fprintf(out, "  owed  %s  %s  %s\n", clean(what), out.verdict(owed.State), clean(owed.Text))
	}
}

// verdict colours the word for what became of an event.
func (out *page) verdict(word string) string {
	if word == api.ToldDue || word == api.ToldWaiting || word == api.ToldHeld {
		return out.paint.warn(word)
	}
	return out.paint.state(word)
}
