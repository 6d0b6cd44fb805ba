package render

import (
	"strconv"

	"github.com/charmbracelet/x/ansi"

	"github.com/dam-delivery/dz/pkg/api"
)

// Events prints recent events, a line each. Their names are their ids.
func (p *Printer) Events(list []api.Event) error {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	if list == nil {
		list = []api.Event{}
	}
	return p.show(list, ids, func(out *page) {
		rows := make([][]cell, len(list))
		for i, e := range list {
			rows[i] = []cell{
				plain(relative(e.Received, out.now)), plain(e.Type), plain(object(e.Object)),
				plain(e.Object.ItemID.String()), plain(e.Reason), plain(e.From), plain(e.ID), plain(e.Source),
			}
		}
		out.table([]column{
			{title: "RECEIVED"},
			{title: "TYPE", least: 20},
			{title: "OBJECT", least: 12},
			{title: "ITEM", drop: 2},
			{title: "REASON", drop: 3},
			{title: "FROM", least: 6, drop: 4},
			{title: "ID", least: 10, drop: 1},
			{title: "SOURCE", least: 10, drop: 5},
		}, rows)
	})
}

// maxRejectedWidth is how much of a line that was no event a table shows, even
// where its width is not bounded. JSON has all that was kept.
const maxRejectedWidth = 80

// Rejected prints input that was no event, a line each. Its name is where it
// was found.
func (p *Printer) Rejected(list []api.Rejected) error {
	places := make([]string, len(list))
	for i, r := range list {
		places[i] = place(r)
	}
	if list == nil {
		list = []api.Rejected{}
	}
	return p.show(list, places, func(out *page) {
		rows := make([][]cell, len(list))
		for i, r := range list {
			rows[i] = []cell{
				plain(relative(r.Time, out.now)), plain(r.Source), plain(place(r)), painted(r.Reason, out.paint.bad),
				plain(size(r.Length)), plain(ansi.Truncate(clean(r.Line), maxRejectedWidth, "…")),
			}
		}
		out.table([]column{
			{title: "WHEN"},
			{title: "SOURCE", least: 6, drop: 2},
			{title: "WHERE", least: 16, tail: true},
			{title: "REASON", least: 20},
			{title: "LENGTH", right: true, drop: 3},
			{title: "LINE", least: 12, drop: 1},
		}, rows)
	})
}

// place writes where input was found: file:offset.
func place(r api.Rejected) string {
	where := r.File
	if where == "" {
		where = r.Source
	}
	return where + ":" + strconv.FormatInt(r.Offset, 10)
}
