package render

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
)

// Assets prints what is known of assets, a line each.
func (p *Printer) Assets(list []api.Asset) error {
	ids := make([]string, len(list))
	for i, a := range list {
		ids[i] = a.ID.String()
	}
	if list == nil {
		list = []api.Asset{}
	}
	return p.show(list, ids, func(out *page) {
		rows := make([][]cell, len(list))
		for i, a := range list {
			deleted := ""
			if a.Deleted {
				deleted = "deleted"
			}
			rows[i] = []cell{
				plain(a.ID.String()), plain(a.Title), plain(a.ItemID.String()), plain(relative(a.Changed, out.now)),
				painted(deleted, out.paint.bad), plain(size(int64(a.Size))),
			}
		}
		out.table([]column{
			{title: "ID", least: 10},
			{title: "TITLE", least: 20},
			{title: "ITEM", drop: 3},
			{title: "CHANGED", drop: 2},
			{title: "DELETED"},
			{title: "SIZE", right: true, drop: 1},
		}, rows)
	})
}

// Asset prints all that is known of one asset.
func (p *Printer) Asset(a api.Asset) error {
	return p.show(a, []string{a.ID.String()}, func(out *page) {
		state := "there"
		if a.Deleted {
			state = out.paint.bad("deleted")
		}
		out.pairs(
			pair{"ID", out.paint.bold(clean(a.ID.String()))},
			pair{"Item", clean(a.ItemID.String())},
			pair{"Title", clean(a.Title)},
			pair{"State", state},
			pair{"Changed", moment(a.Changed, out.now)},
			pair{"Size", size(int64(a.Size))},
		)
		if a.Size == 0 {
			fmt.Fprint(out, "\nno snapshot of it was ever seen\n")
			return
		}
		var data bytes.Buffer
		if err := json.Indent(&data, a.Data, "", "  "); err != nil {
			out.fail(err)
			return
		}
		fmt.Fprintf(out, "\n%s\n", cleanBlock(data.String()))
	})
}
