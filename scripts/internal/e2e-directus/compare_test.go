package main

import (
	"strings"
	"testing"
	"time"
)

func TestWhatDiffersIsTold(t *testing.T) {
	t.Parallel()
	same := func() (map[string]file, map[string]held) {
		f := file{ID: "a", Title: "One", Tags: []string{"x"}, Name: "a.txt", Size: "11"}
		return map[string]file{"a": f}, map[string]held{"a": {file: f, sum: "s"}}
	}
	for name, c := range map[string]struct {
		change func(want map[string]file, have map[string]held)
		fault  string // "" for none
	}{
		"nothing":           {func(map[string]file, map[string]held) {}, ""},
		"missing":           {func(_ map[string]file, have map[string]held) { delete(have, "a") }, "does not have it"},
		"still there":       {func(want map[string]file, _ map[string]held) { delete(want, "a") }, "it is gone"},
		"title":             {edit(func(f *file) { f.Title = "Two" }), `the title is "Two" at the receiver, want "One"`},
		"description":       {edit(func(f *file) { f.Description = "d" }), "the description"},
		"tags":              {edit(func(f *file) { f.Tags = nil }), "tags"},
		"name":              {edit(func(f *file) { f.Name = "b.txt" }), "the file's name"},
		"size":              {edit(func(f *file) { f.Size = "12" }), "the size"},
		"a field asked for": {edit(func(f *file) { f.Metadata.Copyright = "c" }), "the copyright"},
		"a field not asked": {edit(func(f *file) { f.Metadata.Internal = "i" }), "what was not asked for"},
		"content":           {func(_ map[string]file, have map[string]held) { have["a"] = held{file: have["a"].file, sum: "t"} }, "another content"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, have := same()
			c.change(want, have)
			faults := compare(want, map[string]string{"a": "s"}, have)
			if (c.fault == "") != (len(faults) == 0) || len(faults) > 1 || c.fault != "" && !strings.Contains(faults[0], c.fault) {
				t.Errorf("faults %q, want %q", faults, c.fault)
			}
		})
	}
}

// edit changes what the receiver has.
func edit(change func(*file)) func(map[string]file, map[string]held) {
	return func(_ map[string]file, have map[string]held) {
		kept := have["a"]
		change(&kept.file)
		have["a"] = kept
	}
}

func TestManyDifferencesAreCut(t *testing.T) {
	t.Parallel()
	want := make(map[string]file)
	for _, id := range strings.Split("abcdefgh", "") {
		want[id] = file{ID: id}
	}
	if faults := compare(want, nil, nil); len(faults) != maxTold+1 || faults[maxTold] != "and 3 more" {
		t.Errorf("faults %q", faults)
	}
}

func TestFilesInAFolderAreNotShown(t *testing.T) {
	t.Parallel()
	if seen := shown(map[string]file{"a": {ID: "a"}, "b": {ID: "b", Folder: "f"}}); len(seen) != 1 || seen["a"].ID != "a" {
		t.Errorf("shown %v", seen)
	}
}

func TestTheTableSaysWhatFailed(t *testing.T) {
	t.Parallel()
	results := []result{
		{step: step{name: "upload", what: "new files"}, files: 60, events: 60, requests: 3, synced: 60, took: 2 * time.Second},
		{step: step{name: "hide", what: "four"}, faults: []string{"a: it is\ngone"}},
	}
	var out strings.Builder
	if err := printTable(&out, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"upload", "2.0 s       ok", "FAILED", "FAULT hide: a: it is gone"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	if !anyFaults(results) || anyFaults(results[:1]) {
		t.Error("faults are not noticed")
	}
}
