package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
)

func TestImportTakesLines(t *testing.T) {
	t.Parallel()
	server := start(t)
	text := "\ufeff" + `{"assetId":16,"itemId":9588}` + "\r\n" + // a byte-order mark
		"\n  \n" + // nothing is no mistake
		`{"title":"no id"}` + "\n" +
		`{"id":"1","source":"/dam","type":"AssetDeleted","data":{"itemId":5}}` + "\n" +
		`{"id":"1","source":"/dam","type":"AssetFolderUpdated","data":{"itemId":5}}` + "\n" +
		strings.Repeat("x", catalogue.MaxLineLength+1) + "\n" +
		`{"id":"last"}` // no newline at the end
	asOf := time.Date(2026, 11, 20, 10, 0, 0, 123, time.UTC)
	var told []int
	got, err := server.ImportAssets(t.Context(), strings.NewReader(text), asOf, func(r api.ImportResult) { told = append(told, r.Lines) })
	if err != nil {
		t.Fatal(err)
	}
	want := api.ImportResult{Lines: 8, Imported: 2, Older: 1, Skipped: 1, RejectedCount: 2, Rejected: []api.RejectedLine{
		{Line: 4, Reason: "it has no id: none of assetId, baseId, id, itemId, general.GID and general.ID"},
		{Line: 7, Reason: "the line is longer than 1048576 bytes"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{8}, told); diff != "" {
		t.Errorf("told of so many lines (-want +got):\n%s", diff)
	}
	var kept []string
	for _, a := range server.service.assets {
		kept = append(kept, a.ID.JSON()+" "+string(a.Data))
		if !a.Changed.Equal(asOf) {
			t.Errorf("%s is of %v, want %v", a.ID, a.Changed, asOf)
		}
	}
	if diff := cmp.Diff([]string{`16 {"assetId":16,"itemId":9588}`, "5 ", `"last" {"id":"last"}`}, kept); diff != "" {
		t.Errorf("imported (-want +got):\n%s", diff)
	}
}

func TestImportIsAsOfNowWhereNothingElseIsSaid(t *testing.T) {
	t.Parallel()
	server := start(t)
	before := time.Now()
	if _, err := server.ImportAssets(t.Context(), strings.NewReader(`{"id":1}`), time.Time{}, nil); err != nil {
		t.Fatal(err)
	}
	if at := server.service.assets[0].Changed; at.Before(before) || at.After(time.Now()) {
		t.Errorf("imported as of %v", at)
	}
}

func TestImportHandsOnInParts(t *testing.T) {
	t.Parallel()
	server := start(t)
	var text strings.Builder
	for n := range 2*maxPartLines + 1 {
		fmt.Fprintf(&text, "{\"id\":%d}\n", n)
	}
	for range api.MaxImportRejected + 5 {
		text.WriteString("{}\n")
	}
	got, err := server.ImportAssets(t.Context(), strings.NewReader(text.String()), time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Imported != 2*maxPartLines+1 || server.service.parts != 3 || len(server.service.assets) != got.Imported {
		t.Errorf("%d imported in %d parts", got.Imported, server.service.parts)
	}
	if len(got.Rejected) != api.MaxImportRejected || got.RejectedCount != api.MaxImportRejected+5 {
		t.Errorf("%d of %d rejected lines are listed", len(got.Rejected), got.RejectedCount)
	}
}

func TestImportTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.fail = &api.Error{Code: api.CodeFull, Message: "the store is full", Hint: "raise store.max_size"}
	server := run(t, service, alone())
	_, err := server.ImportAssets(t.Context(), strings.NewReader(`{"id":1}`), time.Time{}, nil)
	wantError(t, err, api.CodeFull, "raise store.max_size; the first 0 assets of the request were imported")
}

func TestImportTakesNothingElse(t *testing.T) {
	t.Parallel()
	server := start(t)
	got := server.raw(t, http.MethodPost, api.Root+"/assets", "application/json", `{"id":1}`)
	if got.status != http.StatusUnsupportedMediaType || !strings.Contains(got.body, "application/x-ndjson") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	got = server.raw(t, http.MethodPost, api.Root+"/assets?asOf=yesterday", typeNDJSON, `{"id":1}`)
	if got.status != http.StatusUnprocessableEntity || len(server.service.assets) != 0 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	server := start(t)
	if _, err := server.ImportAssets(t.Context(), strings.NewReader(`{"id":1}`), time.Time{}, nil); err != nil {
		t.Fatal(err)
	}
	page, err := server.Assets(t.Context(), api.Page{Cursor: `"a"`, Limit: 7})
	if err != nil || len(page.Assets) != 1 || page.Next != "next" || page.Assets[0].Size != 8 {
		t.Errorf("got %+v, %v", page, err)
	}
	if diff := cmp.Diff(api.Page{Cursor: `"a"`, Limit: 7}, server.service.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	for _, id := range []string{"1234", `"1234"`, "a/b c?d=%2F#ä", "import"} {
		asset, err := server.Asset(t.Context(), id)
		if err != nil || asset.ID.String() != id || string(asset.Data) != `{"n":1.50}` {
			t.Errorf("%s: got %+v, %v", id, asset, err)
		}
	}
	server.service.fail = &api.Error{Code: api.CodeNotFound, Message: "nothing is known of asset 1"}
	_, err = server.Asset(t.Context(), "1")
	wantError(t, err, api.CodeNotFound, "nothing is known")
}
