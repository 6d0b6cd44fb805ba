package managed

import (
	"path/filepath"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
	"github.com/dam-delivery/dz/pkg/style"
)

// BenchmarkRound makes requests of 200 assets that a store holds and tracks, and reads
// the answers to them: all that lies between debts that were claimed and results that
// can be settled.
func BenchmarkRound(b *testing.B) {
	r := benchRig(b)
	db, err := bolt.Open(filepath.Join(b.TempDir(), "dz.db"), bolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	r.fill(db)
	answer := answerOf(r.items())
	sent := attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200, Started: told}
	round := func() style.Reading {
		m := r.compose()
		return m.Understand(len(r.debts), attempt.Answer{Status: 200, Body: answer}, sent)
	}
	r.settle(db, round())
	b.ReportAllocs()
	for b.Loop() {
		if got := round(); got.Debts[0].Acknowledged == nil {
			b.Fatal(got.Debts[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/DefaultBatch, "ns/asset")
}

// fill moves what the rig shows into a store, whose endpoint knows none of it.
func (r *rig) fill(db *bolt.DB) {
	r.Helper()
	added, err := db.AddEndpoint(r.Context(), endpoint.Endpoint{
		Name: "shop", Style: Name, URL: "https://shop.example/sync", Enabled: true, Subscription: r.ep.Subscription, Created: noon, Updated: noon,
	})
	if err != nil {
		r.Fatal(err)
	}
	r.ep = &added.Endpoint
	var all []catalogue.Asset
	for i := range r.debts {
		asset := r.assets[string(r.debts[i].Key)].Asset
		asset.ID, asset.ItemID = r.debts[i].Object.BaseID, event.IntID(int64(7_000_000+i))
		all = append(all, asset)
	}
	if _, err := db.ImportAssets(r.Context(), all, noon); err != nil {
		r.Fatal(err)
	}
	r.Style = New(catalogue.NewEmbedded(db), db)
}

// settle has a store take what an answer to all that is owed means.
func (r *rig) settle(db *bolt.DB, reading style.Reading) {
	r.Helper()
	a := store.Attempt{Outcome: reading.Outcome}
	for i, result := range reading.Debts {
		s := debt.SettlementOf(&r.debts[i])
		s.Outcome, s.Acknowledged = result.Outcome, result.Acknowledged
		a.Debts = append(a.Debts, s)
	}
	if _, err := db.Settle(r.Context(), r.ep.ID, []store.Attempt{a}); err != nil {
		r.Fatal(err)
	}
}
