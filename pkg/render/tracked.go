package render

import (
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
)

// Tracked prints what an endpoint has acknowledged, a line each.
func (p *Printer) Tracked(list []api.TrackedAsset) error {
	ids := make([]string, len(list))
	for i, a := range list {
		ids[i] = a.AssetID.String()
	}
	if list == nil {
		list = []api.TrackedAsset{}
	}
	return p.show(list, ids, func(out *page) {
		rows := make([][]cell, len(list))
		for i, a := range list {
			rows[i] = []cell{
				plain(a.AssetID.String()), plain(relative(a.Synced, out.now)), plain(relative(a.First, out.now)),
				plain(count(a.Syncs)), plain(count(a.Attempts)), plain(hashText(a.StateHash)),
			}
		}
		out.table([]column{
			{title: "ASSET", least: 10},
			{title: "SYNCED"},
			{title: "FIRST", drop: 3},
			{title: "SYNCS", right: true, drop: 2},
			{title: "ATTEMPTS", right: true, drop: 1},
			{title: "STATE HASH", least: 12},
		}, rows)
	})
}

func hashText(hash *string) string {
	if hash == nil {
		return ""
	}
	return *hash
}

// TrackedAsset prints all that is known of an asset at an endpoint.
func (p *Printer) TrackedAsset(d api.TrackedDetail) error {
	return p.show(d, []string{d.AssetID.String()}, func(out *page) {
		list := []pair{{"Asset", out.paint.bold(clean(d.AssetID.String()))}}
		if a := d.Tracked; a == nil {
			list = append(list, pair{"Synced", "never"})
		} else {
			list = append(list,
				pair{"Synced", moment(a.Synced, out.now)},
				pair{"First synced", moment(a.First, out.now)},
				pair{"Syncs", fmt.Sprintf("%s, in %s", count(a.Syncs), Count(a.Attempts, "attempt"))},
				pair{"State hash", hashText(a.StateHash)},
			)
		}
		if o := d.Owed; o != nil {
			list = append(list, pair{"Owed", clean(o.Text)})
		}
		out.pairs(list...)
		if d.Tracked != nil && d.Tracked.State != nil {
			fmt.Fprintf(out, "\n%s\n", cleanBlock(*d.Tracked.State))
		}
	})
}
