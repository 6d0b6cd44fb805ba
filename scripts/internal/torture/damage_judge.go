package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// longestRun is how many pages one record may run over.
const longestRun = 256

// judge has dz check the store of which a page is damaged, and which was whole
// otherwise. It reports whether a page was named, which keeps dz from starting; a
// record does not.
func (d *damaging) judge(ctx context.Context, page uint64, whole []byte) (found bool) {
	says, failed := d.command(ctx, "store", "check", "-o", "json", d.store())
	var check api.StoreCheck
	if err := json.Unmarshal([]byte(says), &check); err != nil {
		d.fault("page %d is damaged, and store check says %q", page, says)
		return false
	}
	if check.Sound != (failed == nil) {
		d.fault("page %d is damaged; store check says sound: %t, and ends with %v", page, check.Sound, failed)
	}
	if check.Sound && page > 1 {
		d.unused++
		return false
	}
	if !namesOnly(check.Faults, page, runsThrough(whole, page, uint64(d.pageSize))) {
		d.fault("page %d is damaged, and store check does not name it, or another: %+v", page, check.Faults)
	}
	for _, f := range check.Faults {
		d.buckets[f.Bucket]++
	}
	return !slices.ContainsFunc(check.Faults, isRecord)
}

func isRecord(f api.StoreFault) bool { return f.Page == 0 && f.Key != "" }

// overwritten is how one of the first two pages is named.
func overwritten(page uint64) string { return fmt.Sprintf("page %d is overwritten", page) }

// namesOnly reports whether faults name the only page that is damaged, and no other.
// If it is one of those that a long record goes on in, the first of them or the
// record will do.
func namesOnly(faults []api.StoreFault, page uint64, starts []uint64) bool {
	its := func(f api.StoreFault) bool {
		switch {
		case page < 2:
			return f.Page == page && strings.HasPrefix(f.Problem, overwritten(page))
		case len(starts) > 0 && (isRecord(f) || slices.Contains(starts, f.Page)):
			return true
		default:
			return f.Page == page
		}
	}
	if len(starts) > 0 {
		return slices.ContainsFunc(faults, its)
	}
	return len(faults) > 0 && !slices.ContainsFunc(faults, func(f api.StoreFault) bool { return !its(f) })
}

// runsThrough returns the pages before one that say that they run over into it. A
// page of no use may say so, too.
func runsThrough(whole []byte, page, size uint64) (starts []uint64) {
	for start := page - min(page, longestRun); start < page; start++ {
		// A page begins with its number, and says at 12 how many it runs over.
		header := whole[start*size:]
		if start > 1 && binary.NativeEndian.Uint64(header) == start && start+uint64(binary.NativeEndian.Uint32(header[12:])) >= page {
			starts = append(starts, start)
		}
	}
	return starts
}
