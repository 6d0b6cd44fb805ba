package render

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// contents writes what a store holds: 2 endpoints, 10 debts, 1 failure, 500
// recent events.
func contents(c api.StoreContents) string {
	return strings.Join([]string{
		Count(uint64(max(c.Endpoints, 0)), "endpoint"), Count(c.Debts, "debt"), Count(c.Failures, "failure"),
		Count(c.Events, "recent event"),
	}, ", ")
}

// Size writes bytes with a binary unit: 1.5 MiB.
func Size(bytes int64) string { return size(bytes) }

// StoreStats prints what a store holds. Its names are those of the buckets.
func (p *Printer) StoreStats(s api.StoreStats) error {
	names := make([]string, len(s.Buckets))
	for i, b := range s.Buckets {
		names[i] = b.Name
	}
	return p.show(s, names, func(out *page) {
		file := size(s.Size)
		if s.MaxSize > 0 {
			file += " of " + size(s.MaxSize)
		}
		reserve := ""
		if beyond := s.Size - int64(s.Pages)*int64(s.PageSize); beyond > 0 {
			reserve = size(beyond) + " beyond these pages, grown ahead of need"
		}
		oldest := ""
		if s.OldestEvent != nil {
			oldest = moment(*s.OldestEvent, out.now)
		}
		out.pairs(
			pair{"Store", clean(s.Path)},
			pair{"Format", strconv.Itoa(s.Format)},
			pair{"Size", file},
			pair{"Free", fmt.Sprintf("%s within it, %s of %s pages of %s", size(s.Free), count(s.FreePages), count(s.Pages), size(int64(s.PageSize)))},
			pair{"Reserve", reserve},
			pair{"Endpoints", strconv.Itoa(s.Endpoints)},
			pair{"Debts", fmt.Sprintf("%s, %s of them retrying", count(s.Debts), count(s.Retrying))},
			pair{"Failures", count(s.Failures)},
			pair{"Recent events", fmt.Sprintf("%s in %s", count(s.Events), size(s.EventBytes))},
			pair{"Oldest event", oldest},
		)
		rows := make([][]cell, len(s.Buckets))
		for i, b := range s.Buckets {
			rows[i] = []cell{plain(b.Name), plain(count(b.Entries)), plain(size(b.Bytes)), plain(b.Holds)}
		}
		fmt.Fprintln(out)
		out.table([]column{
			{title: "BUCKET"},
			{title: "ENTRIES", right: true},
			{title: "BYTES", right: true},
			{title: "HOLDS", least: 10, drop: 1},
		}, rows)
	})
}

// StoreCheck prints what a check found, and what to do about it. Its names are
// the buckets with faults, or the file's for one above them.
func (p *Printer) StoreCheck(c api.StoreCheck) error {
	var names []string
	for _, f := range c.Faults {
		names = append(names, cmp.Or(f.Bucket, c.Path))
	}
	return p.show(c, names, func(out *page) {
		if c.Sound {
			fmt.Fprintf(out, "%s is sound: %s, format %d, %s entries in %s\n", clean(c.Path), size(c.Size), c.Format,
				count(c.Entries), Count(c.Pages, "page"))
			fmt.Fprintf(out, "%s\n", contents(c.StoreContents))
			out.secrets(c.Secrets)
			return
		}
		fmt.Fprintf(out, "%s %s\n\n", clean(c.Path), out.paint.bad("is damaged: "+Count(c.TotalFaults, "fault")))
		rows := make([][]cell, len(c.Faults))
		for i, f := range c.Faults {
			page := ""
			if f.Page > 0 {
				page = strconv.FormatUint(f.Page, 10)
			}
			rows[i] = []cell{plain(page), plain(f.Bucket), plain(f.Holds), plain(f.Key), plain(f.Problem)}
		}
		out.table([]column{
			{title: "PAGE", right: true},
			{title: "BUCKET"},
			{title: "HOLDS", least: 10, drop: 2},
			{title: "KEY", least: 12, drop: 1},
			{title: "PROBLEM"},
		}, rows)
		if more := c.TotalFaults - uint64(len(c.Faults)); more > 0 {
			fmt.Fprintf(out, "and %s more\n", count(more))
		}
		fmt.Fprintf(out, `
Restore a backup: 'dz store restore FILE'; what came in after it is told again.
Without one, move the file away and start anew: endpoints have to be registered
again, and sources are read from their beginning.
`)
	})
}

// secrets says whether the key at hand opens what is sealed.
func (out *page) secrets(s *api.StoreSecrets) {
	if s == nil || s.Endpoints == 0 {
		return
	}
	sealed := SealedWith(*s)
	switch {
	case s.Opens:
		fmt.Fprintf(out, "%s, which is in %s\n", clean(sealed), clean(s.KeyFile))
	case s.Problem != "":
		fmt.Fprintf(out, "%s: %s\n", clean(sealed), out.paint.bad(clean(s.Problem)))
	default:
		fmt.Fprintf(out, "%s\n", clean(sealed))
	}
}

// SealedWith says of how many endpoints secrets are sealed, and with which key.
func SealedWith(s api.StoreSecrets) string {
	return fmt.Sprintf("secrets of %s are sealed with key %s", Count(uint64(s.Endpoints), "endpoint"), strings.Join(s.Keys, ", "))
}

// StoreBackup prints what a backup holds.
func (p *Printer) StoreBackup(b api.StoreBackup) error {
	return p.Result(b, b.File, fmt.Sprintf("%s: %s, format %d, whole: %s", b.File, size(b.Size), b.Format, contents(b.StoreContents)))
}

// StoreRestored prints what a restore did.
func (p *Printer) StoreRestored(r api.StoreRestored) error {
	return p.show(r, []string{r.Path}, func(out *page) {
		fmt.Fprintf(out, "%s is restored from %s: %s\n", clean(r.Path), clean(r.Backup), contents(r.StoreContents))
		if r.Kept != "" {
			fmt.Fprintf(out, "what was there is kept as %s\n", clean(r.Kept))
		}
		fmt.Fprint(out, newerFormat(r.FormatBefore, r.Format))
	})
}

// StoreCompacted prints what compacting did.
func (p *Printer) StoreCompacted(c api.StoreCompacted) error {
	return p.show(c, []string{c.Path}, func(out *page) {
		fmt.Fprintf(out, "%s: %s before, %s now\n", clean(c.Path), size(c.Before), size(c.After))
		fmt.Fprint(out, newerFormat(c.FormatBefore, c.Format))
	})
}

// newerFormat is a line that says that a store has another format than before, if it
// has.
func newerFormat(before, now int) string {
	if before == now {
		return ""
	}
	return fmt.Sprintf("its format was %d and is %d now, which no older dz reads\n", before, now)
}
