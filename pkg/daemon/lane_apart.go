package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/style"
)

// settleApart hands over the debts that a message has an outcome for without
// telling them, gives back those that it has no room for, and returns the others.
//
// A message that has room for none and tells nothing would be made again at once,
// for ever: that is a failure of its debts.
func (l *lane) settleApart(ctx context.Context, s *laneSettings, debts []debt.Debt, apart []attempt.Outcome, begun time.Time) (told []debt.Debt) {
	settled := &attempted{settings: s, outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	var noRoom []debt.Debt
	for i, o := range apart {
		switch o.Verdict {
		case 0:
			told = append(told, debts[i])
		case attempt.Aborted:
			noRoom = append(noRoom, debts[i])
		default:
			o.Started = begun
			settled.debts = append(settled.debts, debts[i])
			settled.results = append(settled.results, style.Result{Outcome: o})
		}
	}
	if len(noRoom) == len(debts) {
		settled.debts, noRoom = noRoom, nil
		settled.settleAlike(l.refusal(begun, "the message has no room for it, nor for anything else"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(settled.debts) > 0 {
		l.handOverBeside(ctx, settled)
	}
	switch {
	case len(noRoom) == 0:
	case slices.ContainsFunc(noRoom, func(d debt.Debt) bool { return d.Unclear }):
		l.handOverBeside(ctx, unmade(s, noRoom))
	default:
		l.freed = append(l.freed, noRoom)
	}
	return told
}

// unmade is an attempt that leaves debts as they are, save that the receiver may
// have taken those that are unclear.
func unmade(s *laneSettings, debts []debt.Debt) *attempted {
	a := &attempted{settings: s, debts: debts, outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	a.settleAlike(a.outcome)
	return a
}

// resultsTold returns the results of the debts that a message told.
func resultsTold(results []style.Result, apart []attempt.Outcome) []style.Result {
	if apart == nil {
		return results
	}
	var of []style.Result
	for i := range results {
		if apart[i].Verdict == 0 {
			of = append(of, results[i])
		}
	}
	return of
}
