package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// Found writes what a synchronisation has found: 5 to create, 12 to update, 1 to
// delete, 100 unchanged. What is left out or can't be read is named where there is
// any.
func Found(f api.ResyncFound) string {
	parts := []string{
		count(f.Create) + " to create", count(f.Update) + " to update", count(f.Delete) + " to delete",
		count(f.Unchanged) + " unchanged",
	}
	if f.Skipped > 0 {
		parts = append(parts, count(f.Skipped)+" left out")
	}
	if f.Unread > 0 {
		parts = append(parts, count(f.Unread)+" that can't be read")
	}
	if f.Unjudged > 0 {
		parts = append(parts, count(f.Unjudged)+" that can't be judged")
	}
	return strings.Join(parts, ", ")
}

// FoundAll is Found, with what is wrong with the first asset that can't be read or
// judged.
func FoundAll(f api.ResyncFound) string { return Found(f) + fault(f) }

func fault(f api.ResyncFound) string {
	if f.Fault == "" {
		return ""
	}
	return "; the first of these: " + f.Fault
}

// Synchronised writes what a synchronisation has told, when all of it was: 5
// created, 12 updated, 1 deleted, 100 unchanged.
func Synchronised(f api.ResyncFound) string {
	return strings.NewReplacer(" to create", " created", " to update", " updated", " to delete", " deleted").Replace(Found(f)) + fault(f)
}

// Held says that deletions wait, and what sends them.
func Held(endpoint string, n uint64) string {
	return fmt.Sprintf("%s held: dz endpoint release %s", Count(n, "deletion"), endpoint)
}

// WaitsForSick says that a sick endpoint is waited for, with the reason and its next
// probe; health may be nil.
func WaitsForSick(endpoint string, health *api.EndpointStatus, now time.Time) string {
	text := endpoint + " is sick: waiting until it answers"
	if health == nil {
		return clean(text)
	}
	if health.LastError != "" {
		text += "; " + health.LastError
	}
	if health.NextAttempt != nil {
		text += "; it is probed next " + moment(*health.NextAttempt, now)
	}
	return clean(text)
}

// HeldDeletions prints what a release would send, a line each. Its names are the
// assets' ids.
func (p *Printer) HeldDeletions(held api.HeldPage) error {
	return p.show(held, heldAssets(held), func(out *page) {
		if held.Held == 0 {
			fmt.Fprintln(out, "no deletions are held")
			return
		}
		out.held(held)
	})
}

// HeldDeletionsOfAll prints those of several endpoints beneath each other.
func (p *Printer) HeldDeletionsOfAll(list []api.HeldPage) error {
	var ids []string
	for _, held := range list {
		ids = append(ids, heldAssets(held)...)
	}
	return p.show(list, ids, func(out *page) {
		for i, held := range list {
			if i > 0 {
				fmt.Fprintln(out)
			}
			if held.Held == 0 {
				fmt.Fprintf(out, "%s: no deletions are held\n", clean(held.Endpoint))
				continue
			}
			out.held(held)
		}
	})
}

func heldAssets(held api.HeldPage) []string {
	ids := make([]string, len(held.Deletions))
	for i, d := range held.Deletions {
		ids[i] = d.AssetID.String()
	}
	return ids
}

func (out *page) held(held api.HeldPage) {
	fmt.Fprintf(out, "%s: %s would be sent\n\n", clean(held.Endpoint), Count(held.Held, "deletion"))
	rows := make([][]cell, len(held.Deletions))
	for i, d := range held.Deletions {
		rows[i] = []cell{
			plain(d.AssetID.String()), plain(d.EventType), plain(relative(d.FirstSeen, out.now)), plain(relative(d.LastSeen, out.now)),
		}
	}
	out.table([]column{
		{title: "ASSET", least: 10},
		{title: "EVENT", least: 12, drop: 1},
		{title: "FIRST SEEN", drop: 2},
		{title: "LAST SEEN"},
	}, rows)
}

// Retrying says that so many failed and are retried by themselves, and what shows
// them.
func Retrying(endpoint string, n uint64) string {
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s %s being retried: dz failures list --retrying --endpoint %s", count(n), verb, endpoint)
}

// ResyncText says in a line how a synchronisation is.
func ResyncText(r api.Resync) string {
	text := Found(r.Found)
	switch {
	case r.Running() && r.Error != "":
		text += "; it waits: " + r.Error
	case r.Running():
		text += " so far"
	case r.Phase == api.ResyncStopped && r.Error != "":
		text += "; ended before it was done: " + r.Error
	case r.Phase == api.ResyncStopped:
		text += "; stopped"
	}
	if r.Remaining > 0 {
		text += fmt.Sprintf("; %s left to tell", count(r.Remaining))
	}
	return text + fault(r.Found)
}

// waiting prints what endpoints have that waits for a person, or goes on in the
// background.
func (out *page) waiting(endpoints []api.EndpointStatus) {
	var lines []string
	for _, ep := range endpoints {
		if ep.Held > 0 {
			lines = append(lines, out.paint.warn(clean(ep.Name+": "+Held(ep.Name, ep.Held))))
		}
		if r := ep.Resync; r != nil && (r.Running() || r.Remaining > 0) {
			lines = append(lines, clean(ep.Name+": synchronising again: "+ResyncText(*r)))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// holding says of endpoints that are listed which of them hold deletions.
func (out *page) holding(list []api.Endpoint) {
	before := "\n"
	for _, ep := range list {
		if ep.Held > 0 {
			fmt.Fprintf(out, "%s%s\n", before, out.paint.warn(clean(ep.Name+": "+Held(ep.Name, ep.Held))))
			before = ""
		}
	}
}

// tracking are the properties of an endpoint that keeps track of assets.
func (out *page) tracking(s api.EndpointStatus, skips map[string]uint64) (list []pair) {
	if s.Tracked > 0 {
		list = append(list, pair{"Tracked", Count(s.Tracked, "asset")})
	}
	if s.Skipped > 0 {
		list = append(list, pair{"Skipped", Count(s.Skipped, "change") + " that did not matter to it" + clean(reasons(skips))})
	}
	if s.Held > 0 {
		list = append(list, pair{"Held", out.paint.warn(Count(s.Held, "deletion") + ": " + clean("dz endpoint release "+s.Name))})
	}
	if r := s.Resync; r != nil {
		list = append(list, pair{"Last resync", moment(r.Started, out.now) + ": " + clean(ResyncText(*r))})
	}
	return list
}

// reasons says how many of each, the most first.
func reasons(skips map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(skips), func(a, b string) int {
		return cmp.Or(cmp.Compare(skips[b], skips[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = count(skips[name]) + " " + name
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}
