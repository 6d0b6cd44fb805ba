package notify

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

func BenchmarkCompose(b *testing.B) {
	debts := []debt.Debt{debtOf(event.AssetChanged, event.Asset, event.IntID(5_000_001), event.IntID(1234))}
	for _, idName := range []string{"", "base", "specific"} {
		b.Run("idName="+idName, func(b *testing.B) {
			ep, now := endpointWith(idName), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (Style{}).Compose(b.Context(), ep, debts, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A request is composed of two allocations: its id and its body.
// It counts what the whole process allocates, so nothing runs beside it.
func TestComposeAllocatesTheIDAndTheBody(t *testing.T) {
	debts := []debt.Debt{debtOf(event.AssetChanged, event.Asset, event.StringID("Å/日本 <b>"), event.IntID(1234))}
	for _, idName := range []string{"", "base", "specific"} {
		ep, now := endpointWith(idName), time.Now()
		allocations := testing.AllocsPerRun(100, func() {
			if _, err := (Style{}).Compose(t.Context(), ep, debts, now); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 2 {
			t.Errorf("idName %q: %v allocations, want 2", idName, allocations)
		}
	}
}
