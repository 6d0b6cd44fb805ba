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
	unread, _ := l.obstacle()
	x := explanation{set: set, health: health, unread: unread, now: s.now()}
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
		x.conclude(api.ToldUnknown, "no event of it is kept")
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
		if err := s.askStyle(ctx, &x, &found[0]); err != nil {
			return x.EndpointExplanation, err
		}
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
