package render

import (
	"fmt"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// maxFilterValue is how much is shown of a value that a filter names, in bytes.
const maxFilterValue = 400

// FilterTrial prints what a filter makes of an asset.
func (p *Printer) FilterTrial(t api.FilterTrial) error {
	return p.show(t, []string{fmt.Sprint(t.Matches)}, func(out *page) {
		asset := "asset " + t.AssetID.String()
		if t.Title != "" {
			asset += " (" + t.Title + ")"
		}
		verdict := out.paint.good("matches")
		switch {
		case t.Deleted:
			verdict = out.paint.bad("is deleted, or hidden from the endpoint")
		case !t.Matches:
			verdict = out.paint.bad("does not match")
		}
		fmt.Fprintf(out, "%s %s\n", clean(asset), verdict)
		if t.Filter == "" {
			fmt.Fprintln(out, "there is no filter: it matches every asset")
		} else {
			fmt.Fprintf(out, "  %s\n", clean(t.Filter))
		}
		if t.Error != "" {
			fmt.Fprintf(out, "  %s\n", clean(t.Error))
		}
		for _, v := range t.Values {
			name, value := "asset."+v.Name, string(v.Value)
			if v.Field {
				name = fmt.Sprintf("meta(%q)", v.Name)
			}
			if value == "" {
				value = "null"
			}
			if len(value) > maxFilterValue {
				value = strings.ToValidUTF8(value[:maxFilterValue], "") + "…"
			}
			fmt.Fprintf(out, "  %s = %s\n", clean(name), clean(value))
		}
	})
}

// FilterCount says in words how many assets a filter matches.
func FilterCount(c api.FilterCount) string {
	text := fmt.Sprintf("%s of %s match", count(c.Matched), Count(c.Total, "asset"))
	if c.Filter == "" {
		text += "; there is no filter"
	}
	if c.Failed > 0 {
		text += fmt.Sprintf("; it can't be applied to %s, such as %s", count(c.Failed), c.Error)
	}
	if c.Unread > 0 {
		text += fmt.Sprintf("; %s can't be read", count(c.Unread))
	}
	return text
}
