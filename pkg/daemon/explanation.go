package daemon

import (
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// explanation is one in the making.
type explanation struct {
	api.EndpointExplanation
	set    *laneSettings
	health endpoint.Health
	judged *judged // nil if the style tells all
	unread string  // why the catalogue can't be read for it; "" if it can
	now    time.Time
}

func (x *explanation) conclude(verdict, text string) { x.Verdict, x.Text = verdict, text }

func (x *explanation) step(name string, ok bool, wants, text string) {
	x.Steps = append(x.Steps, api.ExplainStep{Step: name, OK: ok, Wants: wants, Text: text})
}

// askSteps asks all that decides whether the endpoint is owed anything because of
// an event. All is asked, and the first that stands against it is the verdict.
func (x *explanation) askSteps(e *seen, checks []endpoint.Check) bool {
	ep := &x.set.ep
	against := func(verdict, text string) {
		if x.Verdict == "" {
			x.conclude(verdict, text)
		}
	}
	there := !ep.Created.After(e.Received)
	text := "added " + at(ep.Created) + ", before the event came in"
	switch {
	case !there:
		text = "added " + at(ep.Created) + ", after the event came in " + at(e.Received)
		against(api.ToldNotYetThere, text+": 'dz event replay' owes it")
	case ep.Updated.After(e.Received):
		text += "; changed " + at(ep.Updated) + ", after it, so that what follows is by other settings than there were"
	}
	x.step("there", there, "", text)
	_, _, tells := x.set.style.Key(&e.event)
	text = fmt.Sprintf("style %s tells such a change", ep.Style)
	if !tells {
		text = fmt.Sprintf("style %s tells no such change", ep.Style)
	}
	for _, c := range checks {
		x.step(c.Name, c.Why == "", c.Wants, c.Why)
		if c.Why != "" {
			against(api.ToldNotWanted, c.Why)
		}
	}
	x.step("style", tells, "", text)
	if !tells {
		against(api.ToldNothing, text)
	}
	text = x.stateText()
	x.step("endpoint", text == "", "", text)
	return x.Verdict == ""
}

// stateText says what keeps the endpoint from being sent to, "" if nothing does.
func (x *explanation) stateText() string {
	switch x.health.State(x.set.ep.Enabled) {
	case endpoint.Disabled:
		return "it is disabled: nothing is sent, and nothing is lost"
	case endpoint.Paused:
		return "it answered 410 (gone): nothing is sent until 'dz endpoint enable', and nothing is lost"
	case endpoint.Sick:
		text := fmt.Sprintf("it has been sick since %s (%s): it is probed by one request at a time", at(x.health.SickSince), x.health.LastError)
		if x.health.RetryAfter.After(x.now) {
			text += ", not before " + at(x.health.RetryAfter) + " as it asked (Retry-After)"
		}
		return text
	case endpoint.Healthy:
	}
	if x.health.RetryAfter.After(x.now) {
		return "it asked to be left alone until " + at(x.health.RetryAfter) + " (Retry-After)"
	}
	return x.unread
}

// isLater reports whether what is owed is only of changes after the event, which
// was told before. A replay may owe the event itself again, unlike a
// synchronisation, which has no event.
func (*explanation) isLater(d *debt.Failure, e *seen) bool {
	return d.FirstSeen.After(e.Received) && d.EventID != e.event.ID && (!d.Replayed || d.EventID == "")
}

// askDebts says what became of an event that the endpoint is told. debts are those
// under the keys of events, the event's own first, if it is still owed. dropped is
// how many debts of the endpoint were ever given up.
func (x *explanation) askDebts(debts []debt.Failure, e *seen, dropped uint64) {
	key, _, _ := x.set.style.Key(&e.event)
	for i := range debts {
		d := &debts[i]
		if d.Key != key {
			continue
		}
		if x.isLater(d, e) {
			x.conclude(api.ToldDelivered, "it was told; what is owed now are later changes: "+x.owed(d).Text)
			return
		}
		owed := x.owed(d)
		x.conclude(owed.State, owed.Text)
		return
	}
	if x.askSkipped(e) {
		return
	}
	text := "nothing is owed any more: it was told"
	if dropped > 0 {
		text = fmt.Sprintf("nothing is owed any more: it was told, or purged (%d were, since the endpoint was added)", dropped)
	}
	x.conclude(api.ToldDelivered, text)
}

// owed says what a debt waits for.
func (x *explanation) owed(d *debt.Failure) api.Owed {
	o := api.Owed{
		ID: d.ID.String(), EventType: d.EventType, EventReason: d.Reason, Changes: d.Count,
		FirstSeen: d.FirstSeen, LastSeen: d.LastSeen, Attempts: d.Attempts,
		Reason: d.Outcome.Reason, Status: d.Outcome.Status, Error: d.Outcome.Error,
	}
	if d.Attempts > 0 {
		o.LastAttempt = &d.LastAttempt
	}
	if !d.Failed {
		o.NextAttempt = &d.Due
	}
	o.State, o.Text = x.waitsFor(d)
	if d.Count > 1 {
		o.Text += fmt.Sprintf("; %d changes are told together", d.Count)
	}
	return o
}

func (x *explanation) waitsFor(d *debt.Failure) (state, text string) {
	last := fmt.Sprintf("attempt %d failed %s (%s): %s", d.Attempts, at(d.LastAttempt), d.Outcome.Reason, d.Outcome.Error)
	switch blocked := x.stateText(); {
	case d.Failed:
		return api.ToldFailed, last + "; the retries are used up"
	case d.Held:
		return api.ToldHeld, "it is one of too many deletions at a time: 'dz endpoint release " + x.set.ep.Name + "' sends it"
	case !sendsTo(x.health.State(x.set.ep.Enabled)):
		return api.ToldHeld, blocked
	case d.Tries > 0 && d.Due.After(x.now):
		return api.ToldRetrying, last + "; it is tried again " + at(d.Due)
	case d.Due.After(x.now):
		return api.ToldWaiting, fmt.Sprintf("it waits until %s: %s after the last change, at most %s after the first",
			at(d.Due), x.set.window.Interval, x.set.window.MaxWait)
	case d.Attempts > 0:
		return api.ToldRetrying, last + "; it is due again" + after(blocked)
	default:
		return api.ToldDue, "it is due since " + at(d.Due) + after(blocked)
	}
}

func sendsTo(state endpoint.State) bool { return state == endpoint.Healthy || state == endpoint.Sick }

func after(text string) string {
	if text == "" {
		return ""
	}
	return ", but " + text
}

// at writes a time in a text.
func at(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
