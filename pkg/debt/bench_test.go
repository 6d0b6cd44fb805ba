package debt

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// BenchmarkNew makes the debt of a first change.
func BenchmarkNew(b *testing.B) {
	change, id := edit("e1", "title"), NewID(noon, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if d := New(id, change, noon); d.Generation != 1 {
			b.Fatal(d.Generation)
		}
	}
}

// BenchmarkMerge merges a change of one field into a debt that remembers a
// number of them, that field too: one, as most do, and as many as it may.
func BenchmarkMerge(b *testing.B) {
	for _, fields := range []int{1, maxFields} {
		b.Run(fmt.Sprintf("fields=%d", fields), func(b *testing.B) {
			names := make([]string, fields)
			for i := range names {
				names[i] = fmt.Sprintf("field%d", i)
			}
			d := New(NewID(noon, 1, 1), edit("e1", names...), noon)
			change := edit("e2", names[fields-1])
			now := at(time.Second)
			b.ReportAllocs()
			for b.Loop() {
				d.Merge(change, now)
			}
			if !slices.Equal(d.Fields, names) {
				b.Fatalf("fields %v", d.Fields)
			}
		})
	}
}

// BenchmarkSettle applies an outcome: of a delivery, of a delivery while the
// object changed again, and of a failure.
func BenchmarkSettle(b *testing.B) {
	for _, c := range []struct {
		name    string
		verdict attempt.Verdict
		change  bool
		done    bool
	}{
		{"delivered", attempt.Delivered, false, true},
		{"changed", attempt.Delivered, true, false},
		{"failed", attempt.Unavailable, false, false},
	} {
		b.Run("outcome="+c.name, func(b *testing.B) {
			owed := newDebt()
			s := sent(&owed, c.verdict, at(time.Minute))
			if c.change {
				owed.Merge(edit("e2", "title"), at(time.Minute))
			}
			b.ReportAllocs()
			for b.Loop() {
				d := owed
				if d.Settle(s) != c.done {
					b.Fatalf("done is not %v", c.done)
				}
			}
		})
	}
}
