package managed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// maxNamed is how many fields or formats an explanation names.
const maxNamed = 10

var _ style.Explainer = Style{}

// reasoning is an explanation in the making.
type reasoning struct {
	style.Explanation
	set   *settings
	note  note
	known *tracking.Asset
	judgement
}

// Explain judges a change as if it were to be told now, by itself. What a debt that
// was told stood for beside it is not known any more.
func (s Style) Explain(ctx context.Context, ep *endpoint.Endpoint, e *event.Event, received time.Time) (style.Explanation, error) {
	set, err := s.settings.of(ep)
	if err != nil {
		return style.Explanation{}, err
	}
	ids := []event.ID{e.Object.BaseID}
	shown, err := s.assets.Look(ctx, set.view, ids)
	if err != nil {
		return style.Explanation{}, fmt.Errorf("look at the asset: %w", err)
	}
	tracked, err := s.memory.Tracked(ctx, ep.ID, ids)
	if err != nil {
		return style.Explanation{}, err
	}
	r := reasoning{set: set, note: noteOf(e)}
	if len(tracked) > 0 {
		r.known = &tracked[0]
		r.Acknowledged = r.known.Synced
	}
	if r.judgement, err = set.judge(&shown[0], r.known); err != nil {
		r.step("asset", false, "", err.Error())
		r.Text = err.Error()
		return r.Explanation, nil
	}
	r.explainTracked()
	r.explainFilter(ep, &shown[0].Asset)
	if r.action == style.Nothing || r.action == style.Delete {
		r.Skipped = r.why
		return r.Explanation, nil
	}
	r.explainChange(received)
	return r.Explanation, nil
}

func (r *reasoning) step(name string, ok bool, wants, text string) {
	r.Steps = append(r.Steps, style.Step{Name: name, OK: ok, Wants: wants, Text: text})
}

func (r *reasoning) explainTracked() {
	text := "it has not acknowledged the asset"
	if r.known != nil {
		text = fmt.Sprintf("it has acknowledged the asset, last %s", r.known.Synced.UTC().Format(time.RFC3339))
		if r.known.State.Given {
			text += fmt.Sprintf(", and gave a state of %d bytes", len(r.known.State.Text))
		}
	}
	r.step("tracked", r.known != nil || r.action == style.Create, "", text)
}

// explainFilter says whether the asset is there, and wanted.
func (r *reasoning) explainFilter(ep *endpoint.Endpoint, a *catalogue.Asset) {
	switch {
	case a.Deleted:
		r.Text = "the asset is deleted, or hidden from it"
		r.step("asset", r.action == style.Delete, "", r.Text)
	case r.set.filter == nil:
	case r.action == style.Nothing || r.action == style.Delete:
		r.Text = "its filter leaves the asset out"
		if r.text != "" {
			r.Text += ": " + r.text
		}
		r.step("filter", r.action == style.Delete, ep.Subscription.Filter, r.Text)
	default:
		r.step("filter", true, ep.Subscription.Filter, "")
	}
}

// explainChange says whether the change matters to an endpoint that is to know of
// the asset.
func (r *reasoning) explainChange(received time.Time) {
	if r.set.always {
		r.step(alwaysOption, true, "every change", "")
		return
	}
	if r.action == style.Create {
		return
	}
	told, why := r.set.relevant(r.note, &r.judgement)
	if why == attempt.Unchanged && !r.known.Synced.Before(received) {
		told, why = true, "" // it is equal because it was told
	}
	if !told {
		r.Skipped = why
	}
	r.explainFields(told)
	if len(r.set.formats) > 0 || len(r.note.formats) > 0 || r.note.anyFormat {
		r.explainFormats()
	}
}

// explainFields says whether a field matters. A format is as good.
func (r *reasoning) explainFields(told bool) {
	forFormat := ""
	if r.set.concernsFormat(r.note) {
		forFormat = "; it is told for its format"
	}
	wants := "the standard fields"
	if len(r.set.fields) > 0 {
		wants += " and " + list(r.set.fields)
	}
	switch {
	case r.note.manyFields:
		r.step("fields", true, wants, "more fields changed than are remembered")
	case r.note.unnamed && r.Skipped == attempt.Unchanged:
		r.Text = "nothing that it is shown differs from what it has acknowledged"
		r.step("fields", false, wants, "the change names no fields, and "+r.Text)
	case r.note.unnamed:
		r.step("fields", told, wants, "the change names no fields: the asset is compared with what was acknowledged")
	case len(r.note.fields) == 0:
		r.Text = "no field changed"
		r.step("fields", told, wants, r.Text+forFormat)
	default:
		matter := slices.DeleteFunc(slices.Clone(r.note.fields), func(field string) bool { return !r.set.isShown(field, r.sent) })
		if len(matter) > 0 {
			r.step("fields", true, wants, list(matter)+" changed")
			return
		}
		noun, verb := "field", "is"
		if len(r.note.fields) > 1 {
			noun, verb = "fields", "are"
		}
		r.Text = fmt.Sprintf("%s %s %s neither standard nor additional", noun, list(r.note.fields), verb)
		r.step("fields", told, wants, r.Text+forFormat)
	}
}

// explainFormats says whether a format matters. A field is as good.
func (r *reasoning) explainFormats() {
	ok := r.set.concernsFormat(r.note)
	generated := "no format was generated"
	switch {
	case len(r.note.formats) > 1:
		generated = list(r.note.formats) + " were generated"
	case len(r.note.formats) > 0:
		generated = list(r.note.formats) + " was generated"
	case r.note.anyFormat:
		generated = "a format was generated, and the change does not say which"
	}
	wants := "no formats"
	if len(r.set.formats) > 0 {
		wants = "formats " + list(r.set.formats)
	}
	if !ok && r.Skipped == "" {
		generated += "; it is told for its fields"
	}
	r.step("formats", ok || r.Skipped == "", wants, generated)
	if !ok && r.Skipped == attempt.Irrelevant && len(r.note.formats) > 0 {
		r.Text += ", and " + list(r.note.formats) + " is none of its formats"
	}
}

// list names some of many.
func list[T any](all []T) string {
	var names []string
	for i, one := range all {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("%d more", len(all)-maxNamed))
			break
		}
		names = append(names, fmt.Sprint(one))
	}
	return strings.Join(names, ", ")
}
