package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// maxTold is how many differences of a step are told.
const maxTold = 5

// shown returns the files that the reader may see.
func shown(files map[string]file) map[string]file {
	seen := maps.Clone(files)
	maps.DeleteFunc(seen, func(_ string, f file) bool { return f.Folder != "" })
	return seen
}

// compare returns how what the receiver has differs from what Directus says and
// what was put into it.
func compare(want map[string]file, contents map[string]string, have map[string]held) []string {
	var faults []string
	for _, id := range slices.Sorted(maps.Keys(want)) {
		got, ok := have[id]
		if !ok {
			faults = append(faults, id+": the receiver does not have it")
			continue
		}
		faults = append(faults, differences(want[id], got.file)...)
		if got.sum != contents[id] {
			faults = append(faults, fmt.Sprintf("%s: the receiver has fetched another content than was put in last", id))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[id]; !ok {
			faults = append(faults, id+": the receiver has it, and it is gone")
		}
	}
	if more := len(faults) - maxTold; more > 0 {
		faults = append(faults[:maxTold:maxTold], fmt.Sprintf("and %d more", more))
	}
	return faults
}

func differences(want, got file) (faults []string) {
	for _, member := range []struct {
		name      string
		want, got any
	}{
		{"the title", want.Title, got.Title},
		{"the description", want.Description, got.Description},
		{"tags", want.Tags, got.Tags},
		{"the file's name", want.Name, got.Name},
		{"the size", want.Size, got.Size},
		{"the copyright", want.Metadata.Copyright, got.Metadata.Copyright},
		{"what was not asked for", "", got.Metadata.Internal},
	} {
		if was, is := fmt.Sprint(member.want), fmt.Sprint(member.got); was != is {
			faults = append(faults, fmt.Sprintf("%s: %s is %q at the receiver, want %q", want.ID, member.name, is, was))
		}
	}
	return faults
}

// anyFaults reports whether there were any.
func anyFaults(results []result) bool {
	return slices.ContainsFunc(results, func(r result) bool { return len(r.faults) > 0 })
}

// printTable writes the table, and the faults below it.
func printTable(w io.Writer, results []result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "STEP\tEVENTS\tREQUESTS\tSYNC\tDELETE\tFILES\tTIME\tVERDICT\t  WHAT")
	for _, r := range results {
		verdict := "ok"
		if len(r.faults) > 0 {
			verdict = "FAILED"
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f s\t%s\t  %s\n", r.step.name, r.events, r.requests, r.synced, r.forgotten,
			r.files, r.took.Seconds(), verdict, r.step.what)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		for _, fault := range r.faults {
			if _, err := fmt.Fprintf(w, "FAULT %s: %s\n", r.step.name, strings.ReplaceAll(fault, "\n", " ")); err != nil {
				return err
			}
		}
	}
	return nil
}
