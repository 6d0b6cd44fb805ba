package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

const (
	// explainPage is how many recent events are looked at at a time.
	explainPage = 1000
	// maxExplained is how many recent events of an object are gone by.
	maxExplained = 20
)

// seen is a recent event.
type seen struct {
	store.Recent
	event event.Event
}

// Explain says why endpoints were told of an event, or of an object, or not.
func (s *service) Explain(ctx context.Context, of, endpointName string) (api.Explanation, error) {
	only, err := s.named(endpointName)
	if err != nil {
		return api.Explanation{}, err
	}
	found, err := s.findEvents(ctx, of)
	if err != nil {
		return api.Explanation{}, err
	}
	answer := api.Explanation{}
	oldest, err := s.store.EventsSince(ctx, 0, time.Time{}, 1)
	if err != nil {
		return answer, err
	}
	if len(oldest) > 0 {
		answer.KeptFrom = &oldest[0].Received
	}
	if len(found) > 0 {
		e := wireEvent(found[0].Recent, &found[0].event)
		answer.Event = &e
	}
	if answer.Event == nil || answer.Event.ID != of {
		answer.Object = of
		for i := range found {
			answer.Recent = append(answer.Recent, wireEvent(found[i].Recent, &found[i].event))
		}
	}
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return answer, err
	}
	owes := false
	for _, l := range s.registry.all() {
		id := l.settings.Load().ep.ID
		if len(only) > 0 && !slices.Contains(only, id) {
			continue
		}
		one, err := s.explain(ctx, l, found, answer.Object, stats.Endpoints[id].Dropped)
		if err != nil {
			return answer, told(err)
		}
		owes = owes || len(one.Owed) > 0
		answer.Endpoints = append(answer.Endpoints, one)
	}
	if answer.Event == nil && !owes {
		return api.Explanation{}, nothingKnown(of, answer.KeptFrom)
	}
	return answer, nil
}

// nothingKnown is the error for what no recent event and no debt is of.
func nothingKnown(of string, from *time.Time) error {
	hint := "no recent events are kept: see store.events in the configuration"
	if from != nil {
		hint = "recent events go back to " + from.UTC().Format(time.RFC3339) + "; 'dz event list' shows them"
	}
	return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("nothing is known of %.80q: no recent event has that id or is of that object, and nothing is owed", of), Hint: hint}
}

// findEvents returns the newest event of that id, or else the recent events of
// that object, newest first.
func (s *service) findEvents(ctx context.Context, of string) ([]seen, error) {
	var ofObject []seen
	quoted, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	kind, id, isPath := strings.Cut(of, "/")
	if isPath = isPath && isKind(kind); !isPath {
		id = of
	}
	for before := uint64(0); ; {
		page, err := s.store.Events(ctx, before, explainPage)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			before = r.Seq
			// Most are of something else, and need not be decoded.
			if !bytes.Contains(r.Line, quoted[1:len(quoted)-1]) && !bytes.Contains(r.Line, []byte(id)) {
				continue
			}
			e, ok := s.recentEvent(r)
			switch {
			case !ok:
			case e.ID == of:
				return []seen{{r, e}}, nil
			case len(ofObject) < maxExplained && matchObject(of, e.Object):
				ofObject = append(ofObject, seen{r, e})
			}
		}
		// What may be an event's id is looked for to the end.
		if len(page) < explainPage || before <= 1 || isPath && len(ofObject) == maxExplained {
			return ofObject, nil
		}
	}
}

func isKind(name string) bool {
	return slices.Contains([]event.Kind{event.Asset, event.Metafield, event.TreeValue, event.ComboValue}, event.Kind(name))
}

// explain says why an endpoint was told of the first of the events, or not, and
// what it is owed because of them; of an object also what it is owed because of
// events that are kept no more.
//
// object is what was asked for, "" for an event; dropped is how many debts of the
// endpoint were ever given up.
func (s *service) explain(ctx context.Context, l *lane, found []seen, object string, dropped uint64) (api.EndpointExplanation, error) {
	set, health := l.settings.Load(), l.getHealth()
	ep := &set.ep
	x := explanation{set: set, health: health, now: s.now()}
	x.EndpointExplanation = api.EndpointExplanation{Endpoint: ep.Name, Group: ep.Group, State: string(health.State(ep.Enabled))}
	debts, err := s.debtsOf(ctx, set, found)
	if err != nil {
		return x.EndpointExplanation, err
	}
	if object != "" {
		sel := debt.Selection{Endpoints: []uint64{ep.ID}, Object: object, Retrying: true}
		inTrouble, _, err := s.store.Failures(ctx, sel, "", actionPage)
		if err != nil {
			return x.EndpointExplanation, err
		}
		for _, f := range inTrouble {
			if !hasDebt(debts, f.ID) {
				debts = append(debts, f)
			}
		}
	}
	for i := range debts {
		if object != "" || !x.isLater(&debts[i], &found[0]) {
			x.Owed = append(x.Owed, x.owed(&debts[i]))
		}
	}
	if len(found) == 0 {
		x.conclude(api.ToldUnknown, "no event of it is kept any more")
		if len(x.Owed) > 0 {
			x.conclude(x.Owed[0].State, x.Owed[0].Text)
		}
		return x.EndpointExplanation, nil
	}
	r := s.registry.table.Load().Get(ep.ID)
	if r == nil {
		return x.EndpointExplanation, nil // it is being removed
	}
	if x.askSteps(&found[0], r.Explain(&found[0].event)) {
		x.askDebts(debts, &found[0], dropped)
	}
	return x.EndpointExplanation, nil
}

// debtsOf returns what is owed because of events, each debt once, the newest
// event's first.
func (s *service) debtsOf(ctx context.Context, set *laneSettings, found []seen) ([]debt.Failure, error) {
	var debts []debt.Failure
	asked := make(map[debt.Key]bool)
	for i := range found {
		key, _, ok := set.style.Key(&found[i].event)
		if !ok || asked[key] {
			continue
		}
		asked[key] = true
		owed, err := s.store.Debt(ctx, set.ep.ID, key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		debts = append(debts, owed)
	}
	return debts, nil
}

func hasDebt(debts []debt.Failure, id debt.ID) bool {
	for i := range debts {
		if debts[i].ID == id {
			return true
		}
	}
	return false
}

// explanation is one in the making.
type explanation struct {
	api.EndpointExplanation
	set    *laneSettings
	health endpoint.Health
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
	return ""
}

// isLater reports whether what is owed is only of changes after the event, which
// was told before. A replay may owe the event itself again.
func (*explanation) isLater(d *debt.Failure, e *seen) bool {
	return d.FirstSeen.After(e.Received) && d.EventID != e.event.ID && !d.Replayed
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
