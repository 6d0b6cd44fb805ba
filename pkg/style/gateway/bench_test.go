package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// BenchmarkCompose makes pings of an asset of 3 KiB in thirty members, as DAMs
// have them: without exports, and with exports that are left out.
func BenchmarkCompose(b *testing.B) {
	member := `"text":"` + strings.Repeat("Lorem ipsum \\\"dolor\\\" ", 4) + `"`
	plain := "{" + strings.Repeat(member+",", 29) + member + "}"
	e, err := event.Decode([]byte(`{"id":"1","source":"s","type":"metadata","data":{"itemId":5,"user":"119574","domain":484}}`))
	if err != nil {
		b.Fatal(err)
	}
	key, note, _ := Style{}.Key(&e)
	debts := []debt.Debt{debt.New(debt.ID{}, debt.Change{Key: key, Event: &e, Note: note}, created)}
	for name, data := range map[string]string{
		"exports=none": plain, "exports=some": `{"exports":[1],` + plain[1:],
	} {
		b.Run(name, func(b *testing.B) {
			known := assets{"5": catalogue.Asset{ID: event.IntID(5), Data: json.RawMessage(data)}}
			st, ep := New(known), endpointWith(b, `{"gatewaySecret":"s3cr3t"}`)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := st.Compose(b.Context(), ep, debts, sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
