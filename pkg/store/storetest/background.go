package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// What waits in the background goes behind everything else that is due, and no more
// of it than asked for.
func backgroundGoesLast(f *fixture) {
	ep := f.add("shop")
	behind := func(n int) debt.Change {
		c := f.change(ep, n)
		c.Background = true
		return c
	}
	f.ingest(behind(1), behind(2), behind(3))
	f.advance(time.Minute)
	f.ingest(f.change(ep, 4), f.change(ep, 2)) // which is live now
	f.advance(time.Minute)
	for _, c := range []struct {
		limit, background int
		want              string
	}{
		{10, 10, "[asset/000004 asset/000002 asset/000001 asset/000003]"},
		{10, 1, "[asset/000004 asset/000002 asset/000001]"},
		{10, 0, "[asset/000004 asset/000002]"},
		{1, 10, "[asset/000004]"},
		{3, 10, "[asset/000004 asset/000002 asset/000001]"},
	} {
		claim := must(f.engine().Claim(ctx, store.ClaimRequest{
			Endpoint: ep.ID, Now: f.now, Limit: c.limit, Background: c.background,
		})).in(f)
		got := fmt.Sprint(keysOf(claim.Debts))
		// The two that are live are due together.
		got = strings.Replace(got, "asset/000002 asset/000004", "asset/000004 asset/000002", 1)
		if c.limit == 1 {
			got = strings.Replace(got, "2", "4", 1)
		}
		equal(f, fmt.Sprintf("of %d, %d in the background", c.limit, c.background), got, c.want)
	}
	counts := f.counts(ep)
	equal(f, "open, in the background", []uint64{counts.Open, counts.Background}, []uint64{4, 2})
}

// A claim may leave out what one before has come to in the background, and nothing
// else.
func backgroundIsPassedOver(f *fixture) {
	ep := f.add("shop")
	var changes []debt.Change
	for n := range 6 {
		c := f.change(ep, n)
		c.Background = true
		changes = append(changes, c)
	}
	f.ingest(changes...)
	f.advance(time.Minute)
	after := ""
	for _, want := range []string{
		"[asset/000000 asset/000001]", "[asset/000002 asset/000003]", "[asset/000009 asset/000004]", "[asset/000009 asset/000005]",
	} {
		if strings.Contains(want, "4") {
			f.ingest(f.change(ep, 9)) // which is live
			f.advance(time.Minute)
		}
		claim := must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 2, Background: 2, After: after})).in(f)
		equal(f, "claimed after some", fmt.Sprint(keysOf(claim.Debts)), want)
		after = claim.Behind
	}
	for _, c := range []struct {
		after string
		want  int
	}{{after, 1}, {"", 7}} {
		claim := must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 10, Background: 10, After: c.after})).in(f)
		equal(f, "all that is left", len(claim.Debts), c.want)
		equal(f, "it has come to some in the background", claim.Behind != "", c.want > 1)
	}
}

// What was to blame that a request failed goes there too, until it changes or a
// person wants it sent; it is nothing that a synchronisation has left to tell.
func blamedGoesLast(f *fixture) {
	ep := f.add("shop")
	f.ingest(f.change(ep, 1), f.change(ep, 2))
	f.advance(time.Minute)
	for _, d := range f.claim(ep, 10) {
		s := f.settlement(d, attempt.Refused)
		s.Blamed = true
		must(f.engine().Settle(ctx, ep.ID, []store.Attempt{{Outcome: s.Outcome, Debts: []debt.Settlement{s}}})).in(f)
	}
	f.crash()
	f.advance(time.Hour)
	f.ingest(f.change(ep, 3))
	f.advance(time.Minute)
	claimed := func(background int) string {
		claim := must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 10, Background: background})).in(f)
		return fmt.Sprint(keysOf(claim.Debts))
	}
	equal(f, "with none of them", claimed(0), "[asset/000003]")
	equal(f, "with one of them", claimed(1), "[asset/000003 asset/000001]")
	equal(f, "with all of them", claimed(10), "[asset/000003 asset/000001 asset/000002]")
	equal(f, "in the background", f.counts(ep).Background, uint64(0))
	f.ingest(f.change(ep, 2))
	f.advance(time.Minute)
	equal(f, "when one has changed", claimed(10), "[asset/000003 asset/000002 asset/000001]")
	if _, _, err := f.engine().Retry(ctx, debt.Selection{Retrying: true}, f.now, "", 10); err != nil {
		f.Fatalf("retry: %v", err)
	}
	equal(f, "when a person wants them", claimed(0), "[asset/000001 asset/000002 asset/000003]")
}
