package storetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// acknowledged is what an answer says of item n.
func acknowledged(n int, state string) *tracking.Acknowledgement {
	return &tracking.Acknowledgement{
		ID: event.IntID(int64(n)), State: tracking.State{Text: state, Given: state != ""}, Digest: tracking.Digest{byte(n)}, Print: uint64(n),
	}
}

func forgotten(n int) *tracking.Acknowledgement {
	return &tracking.Acknowledgement{ID: event.IntID(int64(n)), Delete: true}
}

// deletion is a change that deletes item n.
func (f *fixture) deletion(ep endpoint.Endpoint, n int) debt.Change {
	c := f.change(ep, n)
	c.Event.Type, c.Event.Reason = "AssetDeleted", "delete"
	return c
}

// acknowledge ends an attempt at d that was delivered.
func (f *fixture) acknowledge(d debt.Debt, ack *tracking.Acknowledgement) store.SettledDebt {
	f.Helper()
	a := f.attempt(d, attempt.Delivered)
	a.Debts[0].Acknowledged = ack
	return must(f.engine().Settle(ctx, d.Endpoint, []store.Attempt{a})).in(f)[0].Debts[0]
}

// sync makes an endpoint track items from first to last.
func (f *fixture) sync(ep endpoint.Endpoint, first, last int) {
	f.Helper()
	for n := first; n <= last; n++ {
		f.acknowledge(f.claimAfter(ep, f.change(ep, n)), acknowledged(n, fmt.Sprintf("state %d", n)))
	}
}

// tracked returns all that an endpoint tracks, two a page.
func (f *fixture) tracked(ep endpoint.Endpoint) (all []tracking.Asset) {
	f.Helper()
	for cursor := ""; ; {
		page, next, err := f.engine().ListTracked(ctx, ep.ID, cursor, 2)
		if err != nil || len(page) > 2 {
			f.Fatalf("list tracked: %d, %v", len(page), err)
		}
		if all = append(all, page...); next == "" {
			return all
		}
		cursor = next
	}
}

func trackedBetweenCursors(f *fixture) {
	shop, web, app := f.add("shop"), f.add("web"), f.add("app")
	f.sync(shop, 8, 12)
	f.sync(web, 1, 3)
	f.sync(app, 1, 2)
	for _, tt := range []struct {
		ep          endpoint.Endpoint
		after, upTo string
		limit       int
		want        string
		more        bool
	}{
		{shop, "", "", 5, "8 9 10 11 12", false},
		{shop, "", "", 4, "8 9 10 11", true},
		{shop, "8", "10", 9, "9 10", false},
		{shop, "8", "10", 2, "9 10", false},
		{shop, "8", "11", 2, "9 10", true},
		{shop, "7", "7", 9, "", false},
		{shop, "12", "", 9, "", false},
		{web, "2", "", 9, "3", false},
		{app, "", "1", 9, "1", false},
	} {
		found, more, err := f.engine().TrackedWithin(ctx, tt.ep.ID, tt.after, tt.upTo, tt.limit)
		if got := idsOf(found); err != nil || got != tt.want || more != tt.more {
			f.Errorf("%s, after %q up to %q, %d at most: %s, more=%t, %v; want %s", tt.ep.Name, tt.after, tt.upTo, tt.limit, got, more, err, tt.want)
		}
		for _, a := range found {
			if whole := must(f.engine().Tracked(ctx, tt.ep.ID, []event.ID{a.ID})).in(f)[0]; a.Digest != whole.Digest || a.Print != whole.Print || a.State.Text != "" {
				f.Errorf("%s: %+v, want %+v without its state", tt.ep.Name, a, whole)
			}
		}
	}
	for _, bad := range [][2]string{{"?", ""}, {"", "?"}} {
		if _, _, err := f.engine().TrackedWithin(ctx, shop.ID, bad[0], bad[1], 1); !errors.Is(err, store.ErrCursor) {
			f.Errorf("bad cursors %q: %v", bad, err)
		}
	}
}

func idsOf(list []tracking.Asset) string {
	var ids []string
	for _, a := range list {
		ids = append(ids, a.ID.String())
	}
	return strings.Join(ids, " ")
}

func acknowledgedIsTracked(f *fixture) {
	shop, web := f.add("shop"), f.add("web")
	f.sync(shop, 9, 11)
	f.sync(web, 1, 1)
	first := f.now.Add(time.Second)
	f.settle(f.claimAfter(shop, f.change(shop, 10)), attempt.Unavailable)
	f.advance(time.Hour)
	f.acknowledge(f.claim(shop, 1)[0], acknowledged(10, strings.Repeat("ä", 1000)))
	f.acknowledge(f.claimAfter(shop, f.change(shop, 11)), acknowledged(11, ""))
	f.crash()
	equal(f, "of shop, in order", idsOf(f.tracked(shop)), "9 10 11")
	equal(f, "of web", idsOf(f.tracked(web)), "1")
	asked := []event.ID{event.IntID(11), event.IntID(7), event.IntID(10), event.StringID("10"), event.IntID(11)}
	found := must(f.engine().Tracked(ctx, shop.ID, asked)).in(f)
	equal(f, "those asked for", idsOf(found), "11 10 11")
	eleven, ten := found[0], found[1]
	equal(f, "an empty state", eleven.State, tracking.State{})
	equal(f, "a state", ten.State, tracking.State{Text: strings.Repeat("ä", 1000), Given: true})
	equal(f, "its digest", ten.Digest, tracking.Digest{10})
	equal(f, "its print", ten.Print, 10)
	equal(f, "how often", []uint64{ten.Syncs, ten.Attempts}, []uint64{2, 3})
	if !ten.First.Before(first) || !ten.Synced.After(first) {
		f.Errorf("first %s, last %s, around %s", ten.First, ten.Synced, first)
	}
	told := func() time.Time { return must(f.engine().ToldDeletion(ctx, shop.ID)).in(f) }
	equal(f, "no deletion was told since", told().Equal(shop.Created), true)
	f.acknowledge(f.claimAfter(shop, f.deletion(shop, 9)), forgotten(9))
	equal(f, "a deletion was told", told().Equal(f.now.Add(time.Second)), true)
	f.acknowledge(f.claimAfter(shop, f.deletion(shop, 9)), forgotten(9)) // once more
	equal(f, "one of what is not tracked was told", told().Equal(f.now.Add(time.Second)), true)
	equal(f, "after a deletion", idsOf(f.tracked(shop)), "10 11")
	equal(f, "tracked", f.counts(shop).Tracked, 2)
	_, _, err := f.engine().ListTracked(ctx, shop.ID, "?", 1)
	if !errors.Is(err, store.ErrCursor) {
		f.Errorf("a bad cursor: %v", err)
	}
}

// The state that an endpoint gave is kept also if nobody waits for the outcome.
func purgedIsTracked(f *fixture) {
	ep := f.add("shop")
	sent := f.claimAfter(ep, f.change(ep, 1))
	f.settle(sent, attempt.Unavailable)
	f.advance(time.Hour)
	sent = f.claim(ep, 1)[0]
	if _, _, err := f.engine().Purge(ctx, debt.Selection{Retrying: true}, "", 10); err != nil {
		f.Fatalf("purge: %v", err)
	}
	if settled := f.acknowledge(sent, acknowledged(1, "x")); settled.Found {
		f.Errorf("the settlement found %+v", settled.Debt)
	}
	equal(f, "tracked", idsOf(f.tracked(ep)), "1")
	other := must(f.engine().RemoveEndpoint(ctx, ep.Name)).in(f)
	equal(f, "gone with the endpoint", other.Tracked, 1)
	if err := f.engine().Maintain(ctx, f.now); err != nil {
		f.Fatalf("maintain: %v", err)
	}
	equal(f, "tracked of a removed endpoint", len(f.tracked(ep)), 0)
}

// Two debts may be of one asset, by another item: what is acknowledged last counts,
// of the attempts of one settlement too.
func lastAcknowledgedCounts(f *fixture) {
	ep := f.add("shop")
	f.ingest(f.change(ep, 1), f.change(ep, 2))
	f.advance(time.Minute)
	acks := []*tracking.Acknowledgement{acknowledged(7, "first"), acknowledged(7, "")}
	var attempts []store.Attempt
	for i, d := range f.claim(ep, 2) {
		a := f.attempt(d, attempt.Delivered)
		a.Debts[0].Acknowledged = acks[i]
		attempts = append(attempts, a)
	}
	must(f.engine().Settle(ctx, ep.ID, attempts)).in(f)
	f.crash()
	all := f.tracked(ep)
	equal(f, "tracked", idsOf(all), "7")
	equal(f, "its state", all[0].State, tracking.State{})
	equal(f, "how often", []uint64{all[0].Syncs, all[0].Attempts}, []uint64{2, 2})
}

func skippedIsCounted(f *fixture) {
	ep := f.add("shop")
	skip := func(d debt.Debt, why attempt.Reason) store.SettledDebt {
		a := f.attempt(d, attempt.Skipped)
		a.Debts[0].Outcome.Reason = why
		return must(f.engine().Settle(ctx, ep.ID, []store.Attempt{a})).in(f)[0].Debts[0]
	}
	f.ingest(f.change(ep, 1), f.change(ep, 1))
	f.advance(time.Minute)
	if settled := skip(f.claim(ep, 1)[0], attempt.Unchanged); !settled.Done {
		f.Errorf("skipped, and still owed: %+v", settled.Debt)
	}
	sent := f.claimAfter(ep, f.change(ep, 2))
	f.ingest(f.change(ep, 2))
	if settled := skip(sent, attempt.Irrelevant); settled.Done {
		f.Errorf("what changed meanwhile is not owed")
	}
	f.crash()
	skips := must(f.engine().Skips(ctx, ep.ID)).in(f)
	if want := map[attempt.Reason]uint64{attempt.Unchanged: 1, attempt.Irrelevant: 1}; !maps.Equal(skips, want) {
		f.Errorf("skips are %v, want %v", skips, want)
	}
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 4, Coalesced: 1, Skipped: 2})
}

func resetForgets(f *fixture) {
	ep, other := f.add("shop"), f.add("web")
	f.sync(ep, 1, 5)
	f.sync(other, 1, 1)
	f.settle(f.claimAfter(ep, f.deletion(ep, 1)), attempt.Held)
	f.ingest(f.change(ep, 2))
	equal(f, "losses before", must(f.engine().Losses(ctx, ep.ID, f.now)).in(f), tracking.Losses{Tracked: 5, Held: 1})
	equal(f, "forgotten", must(f.engine().ResetTracked(ctx, ep.ID)).in(f), 5)
	f.crash()
	equal(f, "tracked", len(f.tracked(ep)), 0)
	equal(f, "of the other", idsOf(f.tracked(other)), "1")
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 7, Delivered: 5, Dropped: 1})
	if _, err := f.engine().ResetTracked(ctx, other.ID+1); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("reset of none: %v", err)
	}
}

// Deletions that are owed when their assets are forgotten are no losses any more,
// whether they wait, are retried or have failed.
func resetForgetsLosses(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 5)
	f.failWith(ep, 1, f.deletion(ep, 1))
	f.settle(f.claimAfter(ep, f.deletion(ep, 2)), attempt.Refused)
	f.ingest(f.deletion(ep, 3), f.change(ep, 4))
	unclear := f.claimAfter(ep, f.deletion(ep, 5))
	f.settle(unclear, attempt.Unavailable)
	losses := func() tracking.Losses { return must(f.engine().Losses(ctx, ep.ID, f.now)).in(f) }
	equal(f, "losses before", losses(), tracking.Losses{Tracked: 5, Pending: 3})
	equal(f, "forgotten", must(f.engine().ResetTracked(ctx, ep.ID)).in(f), 5)
	f.crash()
	equal(f, "losses after", losses(), tracking.Losses{})
	equal(f, "in doubt after", must(f.engine().Debt(ctx, ep.ID, unclear.Key)).in(f).Unclear, false)
	f.sync(ep, 11, 12)
	if _, _, err := f.engine().Retry(ctx, debt.Selection{}, f.now, "", 10); err != nil {
		f.Fatalf("retry: %v", err)
	}
	equal(f, "losses when what has failed is retried", losses(), tracking.Losses{Tracked: 2})
}

func jobsMoveWithWhatTheyOwe(f *fixture) {
	ep := f.add("shop")
	if _, err := f.engine().Resync(ctx, ep.ID); !errors.Is(err, store.ErrNotFound) {
		f.Fatalf("before the first: %v", err)
	}
	owe := func(job resync.Job, changes ...debt.Change) error {
		for i := range changes {
			changes[i].Background = true
		}
		_, err := f.engine().Owe(ctx, store.Owing{Endpoint: ep.ID, Now: f.now, Changes: changes, Job: job})
		return err
	}
	job := resync.Job{Number: 1, Phase: resync.Listing, Started: f.now, Order: resync.Order{Filter: "x", Assets: []event.ID{event.IntID(5)}}}
	next := job
	next.Cursor, next.Found = "2", resync.Found{Seen: 2, Create: 2}
	for _, step := range []struct {
		name    string
		job     resync.Job
		changes []debt.Change
		refused bool
	}{
		{"one that goes on and never began", resync.Job{Number: 2, Phase: resync.Listing}, nil, true},
		{"one that begins", job, nil, false},
		{"another while it runs", resync.Job{Number: 2, Phase: resync.Listing}, []debt.Change{f.change(ep, 9)}, true},
		{"its first page", next, []debt.Change{f.change(ep, 1), f.change(ep, 2)}, false},
		{"its end", resync.Job{Number: 1, Phase: resync.Done}, []debt.Change{f.change(ep, 2)}, false},
		{"more of it after its end", next, []debt.Change{f.change(ep, 9)}, true},
		{"one that begins after it", resync.Job{Number: 2, Phase: resync.Listing}, nil, false},
	} {
		before := f.counts(ep).Owed
		err := owe(step.job, step.changes...)
		if errors.Is(err, store.ErrRevision) != step.refused || (err != nil) != step.refused {
			f.Errorf("%s: %v", step.name, err)
		}
		f.crash()
		if step.refused {
			equal(f, step.name+": owed", f.counts(ep).Owed, before)
			continue
		}
		kept := must(f.engine().Resync(ctx, ep.ID)).in(f)
		equal(f, step.name, kept, step.job)
		equal(f, step.name+": owed", f.counts(ep).Owed, before+uint64(len(step.changes)))
	}
	equal(f, "counts", f.counts(ep), store.Counts{Open: 2, Background: 2, Owed: 3, Coalesced: 1})
	pending := func() uint64 { return must(f.engine().Losses(ctx, ep.ID, f.now)).in(f).Pending }
	counted := resync.Job{Number: 2, Phase: resync.Tracking, Deletions: 40}
	must(f.engine().Owe(ctx, store.Owing{Endpoint: ep.ID, Now: f.now, Job: counted})).in(f)
	f.crash()
	equal(f, "deletions that it has counted", pending(), 40)
	counted.Phase = resync.Stopped
	must(f.engine().Owe(ctx, store.Owing{Endpoint: ep.ID, Now: f.now, Job: counted})).in(f)
	equal(f, "deletions that a stopped one had counted", pending(), 0)
	must(f.engine().RemoveEndpoint(ctx, ep.Name)).in(f)
	if err := owe(job); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("of an endpoint that was removed: %v", err)
	}
}
