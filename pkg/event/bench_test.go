package event

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecode decodes a line: the least that an event may be, a change of
// metadata as a DAM tells it (scripts/bench plays such), and one that carries its
// asset.
func BenchmarkDecode(b *testing.B) {
	const (
		least = `{"id":"9b1c","source":"/dam/prod","type":"AssetMetadataUpdated","data":{"itemId":5000001}}`
		open  = `{"specversion":"1.0","id":"9b1c","source":"/dam/prod","type":"AssetMetadataUpdated","time":"2026-11-21T10:00:00Z",` +
			`"subject":"asset/1234","data":{"itemId":5000001,"baseId":1234,"changedFields":["title","keywords"],"formats":[50036],` +
			`"channels":[42],"user":"119574","session":"2146539","reason":"metadata","domain":484,"streamtype":"video","refnr":"",` +
			`"asset":{"assetId":1234,"itemId":5000001,"title":"`
		end = `"}}}`
	)
	for _, c := range []struct {
		name  string
		bytes int
	}{{"least", len(least)}, {"metadata", 500}, {"asset", 4 << 10}} {
		line := least
		if c.bytes > len(least) {
			line = open + strings.Repeat("Größe ", c.bytes)
			line = strings.ToValidUTF8(line[:c.bytes-len(end)], ".") + end
		}
		b.Run(fmt.Sprintf("event=%s/bytes=%d", c.name, c.bytes), func(b *testing.B) {
			text := []byte(line)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
