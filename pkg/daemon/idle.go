package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// idleEvery is how often --until-idle looks.
const idleEvery = 50 * time.Millisecond

// minProbes is how many probes must fail before --until-idle takes an endpoint
// for one that does not answer.
const minProbes = 2

// ErrLocked is returned by Run when another process has the store open.
var ErrLocked = store.ErrLocked

// ErrFailuresRemain is returned by Run with UntilIdle when everything was tried
// and not everything was delivered.
var ErrFailuresRemain = errors.New("failures remain")

// finished reports whether --until-idle may end: nothing can be read, and
// nothing is owed that could be sent. It returns ErrFailuresRemain if something
// is owed all the same.
func (d *Daemon) finished(ctx context.Context) (bool, error) {
	for _, f := range d.allFeeds() {
		if text := f.fatal.Load(); text != nil {
			return true, fmt.Errorf("source %s has failed: %s", f.name, *text)
		}
	}
	before, ok := d.feedsSettled()
	if !ok {
		return false, nil
	}
	searching := d.searching() // before anything is counted: what they owe then is in it
	stats, err := d.store.Stats(ctx)
	if err != nil {
		return false, err
	}
	after, ok := d.feedsSettled()
	if !ok || !slices.Equal(before, after) {
		return false, nil
	}
	owed := d.tally(stats)
	silent, names := d.silent(stats)
	if owed.open > silent || slices.ContainsFunc(searching, func(name string) bool { return !slices.Contains(names, name) }) {
		return false, nil
	}
	if silent > 0 {
		return true, fmt.Errorf("%w: %d failed, %d owed to endpoints that do not answer (%s): they are sent when dz runs again",
			ErrFailuresRemain, owed.failed, silent, strings.Join(names, ", "))
	}
	if owed.failed+owed.held > 0 {
		return true, fmt.Errorf("%w: %d failed, %d held by endpoints that are disabled or gone: see 'dz failures list' and 'dz status'",
			ErrFailuresRemain, owed.failed, owed.held)
	}
	if owed.deletions > 0 {
		return true, fmt.Errorf("%w: %d deletions are held, being too many at a time: see 'dz status' and 'dz endpoint release'",
			ErrFailuresRemain, owed.deletions)
	}
	for _, f := range d.allFeeds() {
		if s := f.status(); s.Lag == 0 && strings.HasPrefix(s.Position, "waiting for ") {
			d.log.Warn("a source has never had anything to read: is its path right?", "source", f.name, "path", f.path)
		}
	}
	d.log.Info("idle: everything is delivered")
	return true, nil
}

// tallied is what is owed, by what has to happen.
type tallied struct {
	open      uint64 // sent without anybody doing anything
	failed    uint64
	held      uint64 // by endpoints that nothing is sent to
	deletions uint64 // that wait to be released
}

// tally counts what is owed.
func (d *Daemon) tally(stats store.Stats) (t tallied) {
	for _, l := range d.registry.all() {
		counts := l.counts(stats)
		t.failed += counts.Failed
		t.deletions += counts.Held
		if l.sends() {
			t.open += counts.Open
		} else {
			t.held += counts.Open
		}
	}
	return t
}

// searching names the endpoints that are sent to, and of which a synchronisation looks for
// what is to be told, or has handed it on.
func (d *Daemon) searching() (names []string) {
	for _, l := range d.registry.all() {
		if ep := &l.settings.Load().ep; d.resyncs.runs(ep.ID) && l.sends() {
			names = append(names, ep.Name)
		}
	}
	return names
}

// silent counts debts of endpoints that have not answered for as long as their
// retry schedule lasts. A running daemon goes on probing them; --until-idle does
// not wait for ever.
func (d *Daemon) silent(stats store.Stats) (debts uint64, names []string) {
	for _, l := range d.registry.all() {
		set := l.settings.Load()
		health := l.getHealth()
		counts := l.counts(stats)
		if counts.Open == 0 || health.State(set.ep.Enabled) != endpoint.Sick || health.Probes < minProbes {
			continue
		}
		var lasts time.Duration
		for _, delay := range set.schedule {
			lasts += delay.Std()
		}
		if d.now().Sub(health.SickSince) >= lasts {
			debts += counts.Open
			names = append(names, set.ep.Name)
		}
	}
	return debts, names
}

// sends reports whether anything is sent to the endpoint at present.
func (l *lane) sends() bool {
	state := l.getHealth().State(l.settings.Load().ep.Enabled)
	return state == endpoint.Healthy || state == endpoint.Sick
}

// feedsSettled reports whether all that could be read is in the store, and a
// mark that differs if something came in between two calls.
func (d *Daemon) feedsSettled() (turns []uint64, ok bool) {
	for _, f := range d.allFeeds() {
		caughtUp, turn := f.settled()
		if !caughtUp {
			return nil, false
		}
		turns = append(turns, turn)
	}
	return turns, true
}
