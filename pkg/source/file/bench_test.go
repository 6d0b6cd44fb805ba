package file

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// benchmarkLine is about 500 bytes long, as an event with a snapshot is.
func benchmarkLine(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/dam/prod","type":"AssetMetadataUpdated","time":"2026-11-21T10:00:00Z",`+
		`"subject":"asset/%d","data":{"itemId":%d,"baseId":%d,"changedFields":["title","keywords"],"formats":[50036],"channels":[42],`+
		`"user":"119574","session":"2146539","reason":"metadata","domain":484,"streamtype":"video","refnr":"",`+
		`"asset":{"assetId":%d,"itemId":%d,"title":"A title of some length","metadata":{"keywords":"one, two, three","description":"Größe"}}}}`,
		n, n, n, n, n, n)
}

// BenchmarkTail reads a file of 50,000 events from its beginning to its end. Most
// of it is decoding, which pkg/event measures alone.
func BenchmarkTail(b *testing.B) {
	const count = 50_000
	path := filepath.Join(b.TempDir(), log)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for n := range count {
		fmt.Fprintln(w, benchmarkLine(n))
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		src, err := New("spool", path, nil, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for got := 0; got < count; {
			batch, err := src.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			got += len(batch.Events)
		}
		if err := src.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(count*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
