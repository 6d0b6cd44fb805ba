package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

// BenchmarkLook reads assets of 2 KB in pages of 200, beside a bare client that
// reads the same pages and decodes them. It reports the time of one asset.
func BenchmarkLook(b *testing.B) {
	const size = 200
	var items []string
	for i := range size {
		items = append(items, fmt.Sprintf(`{"assetId":%d,"itemId":%d,"title":%q,"lastModified":"2026-11-20T08:00:00.25","fileSize":123456,"transcodes":[%s]}`,
			i, i+10000, strings.Repeat("title ", 50), strings.TrimSuffix(strings.Repeat(`{"mediaFormatId":50036,"destinationId":1,"transcodeFileName":"a/b/c.jpg"},`, 20), ",")))
	}
	page := []byte("[" + strings.Join(items, ",") + "]")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
	defer server.Close()
	api, err := rest.ParseAPI([]byte(`
many: {path: /, size: 200}
asset: {id: .assetId, item: .itemId, changed: .lastModified, deleted: .isDeleted == true}
`))
	if err != nil {
		b.Fatal(err)
	}
	c, err := rest.New(rest.Config{URL: server.URL, API: api, Transport: server.Client().Transport, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("catalogue", func(b *testing.B) {
		numbers := make([]int64, size)
		for i := range numbers {
			numbers[i] = int64(i)
		}
		for i := 0; i < b.N; i += size {
			got, err := c.Look(b.Context(), catalogue.View{}, ids(numbers...))
			if err != nil || got[1].Asset.Data == nil {
				b.Fatal(got[1], err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		for i := 0; i < b.N; i += size {
			answer, err := server.Client().Get(server.URL)
			if err != nil {
				b.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				b.Fatal(err)
			}
			_ = answer.Body.Close()
			var items []any
			if err := json.Unmarshal(body, &items); err != nil || len(items) != size {
				b.Fatal(len(items), err)
			}
		}
	})
}
