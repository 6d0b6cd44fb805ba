package render

import (
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// Status prints what the daemon is doing, to be read at a glance. Its names are
// those of the endpoints.
func (p *Printer) Status(s api.Status) error {
	names := make([]string, len(s.Endpoints))
	for i, ep := range s.Endpoints {
		names[i] = ep.Name
	}
	return p.show(s, names, func(out *page) { out.status(s) })
}

func (out *page) status(s api.Status) {
	activity := "busy"
	if s.Idle {
		activity = "idle"
	}
	fmt.Fprintf(out, "%s  %s  up %s\n", out.paint.bold("dz "+clean(s.Version)), out.paint.state(activity),
		span(time.Duration(s.Uptime*float64(time.Second))))
	if s.Store.Error != "" {
		fmt.Fprintf(out, "%s\n", out.paint.bad("store: "+clean(s.Store.Error)))
	}
	fmt.Fprintln(out)
	events := []counter{
		{s.Events.Ingested, "ingested", nil},
		{s.Events.Coalesced, "coalesced", nil},
		{s.Events.Rejected, "rejected", out.paint.warn},
	}
	if s.Events.Skipped > 0 { // of styles alone that decide so late
		events = append(events, counter{s.Events.Skipped, "skipped", nil})
	}
	out.counters("Events", events...)
	out.counters("Attempts",
		counter{s.Attempts.Delivered, "delivered", nil},
		counter{s.Attempts.Failed, "failed", nil})
	debts := []counter{
		{s.Debts.Waiting, "waiting", nil},
		{s.Debts.Due, "due", nil},
		{s.Debts.InFlight, "in flight", nil},
		{s.Debts.Retrying, "retrying", out.paint.warn},
		{s.Debts.Held, "held", out.paint.warn},
		{s.Debts.Failed, "failed", out.paint.bad},
	}
	if s.Debts.HeldDeletions > 0 {
		words := "deletions held"
		if s.Debts.HeldDeletions == 1 {
			words = "deletion held"
		}
		debts = append(debts, counter{s.Debts.HeldDeletions, words, out.paint.warn})
	}
	out.counters("Debts", debts...)
	out.store(s.Store)
	out.sources(s.Sources)
	out.endpointHealth(s.Endpoints)
}

func (out *page) store(s api.StoreStatus) {
	store := size(s.Size)
	if s.MaxSize > 0 {
		store += " of " + size(s.MaxSize)
	}
	path := clean(s.Path)
	if out.width > 0 {
		path = column{tail: true}.cut(path, max(out.width-len("Store")-len(store)-2*gap-3, 0))
	}
	fmt.Fprintf(out, "%s  %s  %s\n", out.paint.dim("Store   "), store, out.paint.dim(path))
}

// counter is a number with its word, coloured where it is not 0.
type counter struct {
	n     uint64
	word  string
	paint func(string) string
}

func (out *page) counters(label string, list ...counter) {
	const indent = 8
	fmt.Fprint(out, out.paint.dim(fmt.Sprintf("%-*s", indent, label)))
	used := indent
	for _, c := range list {
		word := count(c.n) + " " + c.word
		if out.width > 0 && used > indent && used+gap+len(word) > out.width {
			fmt.Fprintf(out, "\n%*s", indent, "")
			used = indent
		}
		used += gap + len(word)
		if c.n > 0 && c.paint != nil {
			word = c.paint(word)
		}
		fmt.Fprintf(out, "%*s%s", gap, "", word)
	}
	fmt.Fprintln(out)
}

func (out *page) sources(sources []api.SourceStatus) {
	if len(sources) == 0 {
		fmt.Fprintf(out, "\n%s\n", out.paint.dim("no sources: name some in the configuration, see 'dz config check'"))
		return
	}
	rows := make([][]cell, len(sources))
	for i, s := range sources {
		state := "reading"
		switch {
		case s.Error != "":
			state = "error"
		case s.CaughtUp:
			state = "caught up"
		}
		rows[i] = []cell{
			plain(s.Name), plain(s.Type), painted(state, out.paint.state), plain(size(s.LagBytes)),
			plain(s.Position), painted(s.Error, out.paint.bad),
		}
	}
	fmt.Fprintln(out)
	out.table([]column{
		{title: "SOURCE", least: 10},
		{title: "TYPE", drop: 2},
		{title: "STATE"},
		{title: "LAG", right: true},
		{title: "POSITION", least: 16, drop: 1, tail: true},
		{title: "ERROR", least: 20},
	}, rows)
}

func (out *page) endpointHealth(endpoints []api.EndpointStatus) {
	if len(endpoints) == 0 {
		fmt.Fprintf(out, "\n%s\n", out.paint.dim("no endpoints: register one with 'dz endpoint add'"))
		return
	}
	rows := make([][]cell, len(endpoints))
	for i, ep := range endpoints {
		failures := plain(count(ep.Failures))
		if ep.Failures > 0 {
			failures.paint = out.paint.bad
		}
		rows[i] = []cell{
			plain(ep.Name), plain(ep.Group), painted(ep.State, out.paint.state), plain(ep.Style), plain(count(ep.Debts)), failures,
			plain(count(ep.Delivered)), plain(relativeTo(ep.LastSuccess, out.now)),
			plain(relativeTo(ep.NextAttempt, out.now)), painted(ep.LastError, out.paint.bad),
		}
	}
	fmt.Fprintln(out)
	out.table([]column{
		{title: "ENDPOINT", least: 10},
		{title: "GROUP", least: 8, drop: 6},
		{title: "STATE"},
		{title: "STYLE", drop: 5},
		{title: "DEBTS", right: true},
		{title: "FAILURES", right: true},
		{title: "DELIVERED", right: true, drop: 4},
		{title: "LAST SUCCESS", drop: 2},
		{title: "NEXT TRY", drop: 3},
		{title: "LAST ERROR", least: 20, drop: 1},
	}, rows)
	out.waiting(endpoints)
}
