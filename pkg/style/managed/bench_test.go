package managed

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// benchRig owes a batch of assets that are tracked with a state, and have outlines as
// those of museums.
func benchRig(b *testing.B) *rig {
	b.Helper()
	r := newRig(b, "")
	for n := range DefaultBatch {
		asset := strconv.Itoa(10_000 + n)
		r.assets[asset] = shows(fmt.Sprintf(`{"assetId":%s,"itemId":70%s,"title":"Mountains, with a Single-Arched Bridge over a River",`+
			`"description":"Graphite on paper","assetType":4,"thumbnailUrl":"https://dam.example.com/images/D02/D%s_8.jpg","metadata":{}}`, asset, asset, asset))
		r.track(asset, tracking.State{Text: fmt.Sprintf(`{"row": %s, "revision": 1, "by": "shop"}`, asset), Given: true})
		r.owe("AssetMetadataUpdated", asset, "")
		r.debts[n].Note = note{whatever: true}.encode()
	}
	return r
}

// BenchmarkCompose makes requests of 200 assets that the endpoint has.
func BenchmarkCompose(b *testing.B) {
	r := benchRig(b)
	b.ReportAllocs()
	for b.Loop() {
		if m := r.compose(); m.Apart != nil {
			b.Fatal(m.Apart)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/DefaultBatch, "µs/asset")
}

// items are those of an answer that gives a state for each of what is owed.
func (r *rig) items() [][]byte {
	items := make([][]byte, len(r.debts))
	for i := range items {
		items[i] = fmt.Appendf(nil, `{"AssetId":%s,"IntegrationState":"{\"row\": %s, \"revision\": 2, \"by\": \"shop\"}"}`, r.debts[i].Key, r.debts[i].Key)
	}
	return items
}

func answerOf(items [][]byte) []byte {
	return []byte(`{"Items":[` + string(bytes.Join(items, []byte(","))) + `]}`)
}

// BenchmarkID makes the webhook-id of 200 assets.
func BenchmarkID(b *testing.B) {
	r := benchRig(b)
	m := &draft{ep: r.ep, tellings: make([]telling, len(r.debts))}
	for i := range m.tellings {
		known := r.memory.tracked[string(r.debts[i].Key)]
		m.tellings[i] = telling{debt: &r.debts[i], known: &known, judgement: judgement{action: style.Update, digest: known.Digest}}
	}
	b.ReportAllocs()
	for b.Loop() {
		m.id()
	}
}

// BenchmarkAnswer reads answers to a request of 200 assets, whose items are in its
// order or the reverse.
func BenchmarkAnswer(b *testing.B) {
	r := benchRig(b)
	m := r.compose()
	items := r.items()
	sent := attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200, Started: told}
	for _, order := range []string{"told", "reverse"} {
		if order == "reverse" {
			slices.Reverse(items)
		}
		body := answerOf(items)
		b.Run("order="+order, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if got := m.Understand(len(r.debts), attempt.Answer{Status: 200, Body: body}, sent); got.Debts[0].Acknowledged == nil {
					b.Fatal(got.Debts[0])
				}
			}
		})
	}
}
