package main

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

// A check that names a page whatever is damaged, or one beside it, has found
// nothing.
func TestACheckMustNameThePageThatIsDamaged(t *testing.T) {
	t.Parallel()
	at := func(pages ...uint64) (faults []api.StoreFault) {
		for _, page := range pages {
			faults = append(faults, api.StoreFault{Page: page, Problem: "it says that it is page 0"})
		}
		return faults
	}
	record := []api.StoreFault{{Bucket: "events", Key: "0x01", Problem: "a chunk of events: garbled"}}
	first := []api.StoreFault{{Problem: overwritten(0) + ", one of the two"}}
	for _, c := range []struct {
		name   string
		faults []api.StoreFault
		page   uint64
		starts []uint64
		want   bool
	}{
		{"the page", at(7), 7, nil, true},
		{"always the same page", at(2), 7, nil, false},
		{"the page and another", at(2, 7), 7, nil, false},
		{"nothing", nil, 7, nil, false},
		{"a record, and the page is the first of it", record, 7, nil, false},
		{"a record that goes on in the page", record, 7, []uint64{5}, true},
		{"the first page of a record that goes on in it", at(5), 7, []uint64{5}, true},
		{"another page than that of the record", at(4), 7, []uint64{5}, false},
		{"the first page of all", first, 0, nil, true},
		{"the first page of all, for the second", first, 1, nil, false},
		{"a record, for the first page of all", record, 0, nil, false},
	} {
		if got := namesOnly(c.faults, c.page, c.starts); got != c.want {
			t.Errorf("%s: page %d is named: %v, want %v", c.name, c.page, got, c.want)
		}
	}
}

func TestARecordRunsThroughThePagesThatItSays(t *testing.T) {
	t.Parallel()
	const size = 64
	whole := make([]byte, 10*size)
	for page := range uint64(10) {
		binary.NativeEndian.PutUint64(whole[page*size:], page)
	}
	binary.NativeEndian.PutUint32(whole[4*size+12:], 2)
	for page, want := range map[uint64][]uint64{0: nil, 3: nil, 4: nil, 5: {4}, 6: {4}, 7: nil} {
		if got := runsThrough(whole, page, size); !slices.Equal(got, want) {
			t.Errorf("page %d is one of those of %v, want %v", page, got, want)
		}
	}
}
