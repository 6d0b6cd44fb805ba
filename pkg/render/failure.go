package render

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// Failures prints a list of failures, a line each. states are the states of
// endpoints by name, as far as they are known: a try that is due waits for them.
func (p *Printer) Failures(list []api.Failure, states map[string]string) error {
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ID
	}
	if list == nil {
		list = []api.Failure{}
	}
	return p.show(list, ids, func(out *page) {
		rows := make([][]cell, len(list))
		for i, f := range list {
			rows[i] = []cell{
				plain(f.ID), plain(f.Endpoint), plain(object(f.Object)), painted(f.State, out.paint.state),
				plain(string(f.Reason)), plain(status(f.Status)), plain(strconv.Itoa(f.Attempts)),
				plain(relative(f.LastAttempt, out.now)), plain(nextTry(f, states[f.Endpoint], out.now)), plain(f.Error),
			}
		}
		out.table([]column{
			{title: "ID"},
			{title: "ENDPOINT", least: 8},
			{title: "OBJECT", least: 12},
			{title: "STATE", drop: 1},
			{title: "REASON", drop: 2},
			{title: "STATUS", right: true, drop: 3},
			{title: "TRIES", right: true, drop: 6},
			{title: "LAST TRY", drop: 5},
			{title: "NEXT TRY", drop: 4},
			{title: "ERROR", least: 20, drop: 7},
		}, rows)
	})
}

// nextTry says when the next attempt is made, or what it waits for.
func nextTry(f api.Failure, endpoint string, now time.Time) string {
	if f.NextAttempt == nil || f.NextAttempt.After(now) {
		return relativeTo(f.NextAttempt, now)
	}
	switch endpoint {
	case "sick":
		return "when it answers"
	case "disabled", "gone":
		return "when enabled"
	default:
		return "now"
	}
}

// Failure prints all that is known of one failure.
func (p *Printer) Failure(f api.Failure) error {
	return p.show(f, []string{f.ID}, func(out *page) {
		changes := Count(f.Changes, "change") + ", the latest " + clean(f.EventType)
		next := "none by itself: 'dz failures retry " + f.ID + "' makes one"
		if f.NextAttempt != nil {
			next = moment(*f.NextAttempt, out.now)
		}
		out.pairs(
			pair{"ID", out.paint.bold(clean(f.ID))},
			pair{"State", out.paint.state(f.State)},
			pair{"Endpoint", clean(f.Endpoint)},
			pair{"Object", fmt.Sprintf("%s, item %s", object(f.Object), clean(f.Object.ItemID.String()))},
			pair{"Change type", f.ChangeType},
			pair{"Changes", changes},
			pair{"Reason", string(f.Reason)},
			pair{"HTTP status", status(f.Status)},
			pair{"Attempts", strconv.Itoa(f.Attempts)},
			pair{"First change", moment(f.FirstSeen, out.now)},
			pair{"Last change", moment(f.LastSeen, out.now)},
			pair{"Last attempt", moment(f.LastAttempt, out.now)},
			pair{"Next attempt", next},
			pair{"Error", out.paint.bad(cleanBlock(f.Error))},
			pair{"Response", cleanBlock(f.Response)},
		)
	})
}

// object writes what changed as a selection takes it: asset/1234.
func object(o api.Object) string { return string(o.Kind) + "/" + o.BaseID.String() }

// status writes an HTTP status; 0 is none.
func status(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}
