package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// snapshot is news of asset n, changed now.
func (f *fixture) snapshot(n int, data string) catalogue.Asset {
	return catalogue.Asset{
		ID: event.IntID(int64(n)), ItemID: event.IntID(int64(n + 1000)), Data: []byte(data), Changed: f.now,
	}
}

// know ingests news of assets, without changes.
func (f *fixture) know(assets ...catalogue.Asset) {
	f.Helper()
	f.ingestBatch(store.Ingest{Source: "test", Now: f.now, Assets: assets})
}

func (f *fixture) assets(ids ...event.ID) []catalogue.Asset {
	f.Helper()
	return must(f.engine().Assets(ctx, ids)).in(f)
}

// sameOutlines compares assets without what their metadata holds.
func (f *fixture) sameOutlines(got, want []catalogue.Asset) {
	f.Helper()
	outlines := func(assets []catalogue.Asset) []catalogue.Asset {
		assets = slices.Clone(assets)
		for i := range assets {
			if assets[i].Data != nil {
				assets[i].Data, _, _ = catalogue.Split(assets[i].Data)
			}
		}
		return assets
	}
	equal(f, "outlines", outlines(got), outlines(want))
}

// allAssets lists all, so many a page. The lists of parts are the same.
func (f *fixture) allAssets(limit int) []catalogue.Asset {
	f.Helper()
	list := f.paged(limit, catalogue.Whole)
	bare := slices.Clone(list)
	for i := range bare {
		bare[i].Data = nil
	}
	listed := f.paged(limit, catalogue.Bare)
	for i := range listed {
		listed[i].Data = nil
	}
	equal(f, "assets without data", listed, bare)
	f.sameOutlines(f.paged(limit, catalogue.Outline), list)
	return list
}

func (f *fixture) paged(limit int, part catalogue.Part) []catalogue.Asset {
	f.Helper()
	list := []catalogue.Asset{}
	for cursor := ""; ; {
		page, next, err := f.engine().ListAssetParts(ctx, part, cursor, limit)
		if err != nil {
			f.Fatalf("list assets: %v", err)
		}
		if len(page) > limit || len(page) == 0 && next != "" {
			f.Fatalf("a page of %d assets, with more to come: %v; the limit is %d", len(page), next != "", limit)
		}
		if list = append(list, page...); next == "" {
			return list
		}
		cursor = next
	}
}

func assetsKept(f *fixture) {
	ep := f.add("shop")
	revision := must(f.engine().Endpoints(ctx)).in(f).Revision
	one, two := f.snapshot(1, `{"title":"one"}`), f.snapshot(2, `{"title":"two"}`)
	_, err := f.engine().Ingest(ctx, store.Ingest{Now: f.now, Revision: revision + 1, Assets: []catalogue.Asset{one}})
	wantError(f, err, store.ErrRevision)
	equal(f, "assets of a batch that was refused", len(f.assets(one.ID)), 0)

	f.ingestBatch(store.Ingest{
		Source: "spool", Now: f.now, Changes: []debt.Change{f.change(ep, 1)}, Assets: []catalogue.Asset{two, one},
	})
	f.crash()
	equal(f, "open debts", f.counts(ep).Open, 1)
	equal(f, "assets in the order asked", f.assets(two.ID, event.IntID(3), one.ID, two.ID), []catalogue.Asset{two, one, two})
	equal(f, "assets of none", len(f.assets()), 0)
	equal(f, "an id of another form", len(f.assets(event.StringID("1"))), 0)
}

func assetsMerge(f *fixture) {
	first := f.snapshot(1, `{"n":1}`)
	f.know(first)
	f.advance(time.Minute)
	second, third := f.snapshot(1, `{"n":2}`), f.snapshot(1, `{"n":3}`)
	f.know(second, third)
	equal(f, "of two at one time", f.assets(first.ID), []catalogue.Asset{third})
	f.know(first)
	equal(f, "after an earlier one that came late", f.assets(first.ID), []catalogue.Asset{third})

	f.advance(time.Minute)
	gone := catalogue.Asset{ID: first.ID, ItemID: first.ItemID, Deleted: true, Changed: f.now}
	f.know(gone)
	f.crash()
	gone.Data = third.Data
	equal(f, "deleted", f.assets(first.ID), []catalogue.Asset{gone})

	f.advance(time.Minute)
	again := f.snapshot(1, `{"n":4}`)
	f.know(again)
	f.crash()
	equal(f, "there again", f.assets(first.ID), []catalogue.Asset{again})

	never := catalogue.Asset{ID: event.IntID(2), ItemID: event.IntID(2), Deleted: true, Changed: f.now}
	f.know(never)
	equal(f, "deleted before it was seen", f.assets(never.ID), []catalogue.Asset{never})
}

func assetsImported(f *fixture) {
	f.advance(time.Hour)
	newer := f.snapshot(1, `{"n":"from an event"}`)
	f.know(newer)
	f.now = f.now.Add(-time.Minute)
	older, other, last := f.snapshot(1, `{"n":"from a file"}`), f.snapshot(2, `{"n":1}`), f.snapshot(2, `{"n":2}`)
	equal(f, "older", must(f.engine().ImportAssets(ctx, []catalogue.Asset{older, other, last}, f.now)).in(f), 1)
	f.crash()
	equal(f, "known", f.assets(newer.ID, last.ID), []catalogue.Asset{newer, last})
	equal(f, "older when there is nothing", must(f.engine().ImportAssets(ctx, nil, f.now)).in(f), 0)
}

func assetsPaged(f *fixture) {
	equal(f, "assets of an empty store", len(f.allAssets(10)), 0)
	ids := []event.ID{}
	for _, text := range []string{"0", "7", "16", "100", "99999999999999999999", `"-1"`, `"16"`, `"a/b?c=ä"`, "-5"} {
		var id event.ID
		if err := id.UnmarshalJSON([]byte(text)); err != nil {
			f.Fatalf("id %s: %v", text, err)
		}
		ids = append(ids, id)
	}
	for _, id := range slices.Backward(ids) {
		f.know(catalogue.Asset{ID: id, Data: []byte(`{"id":` + id.JSON() + `}`), Changed: f.now})
	}
	f.crash()
	for _, limit := range []int{1, 2, 100} {
		var listed []event.ID
		for _, a := range f.allAssets(limit) {
			listed = append(listed, a.ID)
		}
		equal(f, fmt.Sprintf("ids, %d a page", limit), listed, ids)
	}
	order := catalogue.NewEmbedded(f.engine())
	for i := range ids {
		for j := range ids {
			equal(f, fmt.Sprintf("a list at %s is past %s", ids[i], ids[j]), order.Past(ids[i].JSON(), ids[j].JSON()), i >= j)
		}
		equal(f, fmt.Sprintf("a list that begins is past %s", ids[i]), order.Past("", ids[i].JSON()), false)
	}
	for _, cursor := range []string{"x", "null", `"`, "1.5"} {
		_, _, err := f.engine().ListAssets(ctx, cursor, 10)
		wantError(f, err, store.ErrCursor)
		_, _, err = f.engine().ListAssetParts(ctx, catalogue.Bare, cursor, 10)
		wantError(f, err, store.ErrCursor)
	}
}

// largeAssets are as large as an event may be, and of what can't be compressed.
func largeAssets(f *fixture) {
	random := make([]byte, 0, event.MaxLineLength)
	for n := uint32(1); len(random) < cap(random)-16; n = n*1664525 + 1013904223 {
		random = append(random, '!'+byte(n>>24)%90)
	}
	text := strings.NewReplacer(`\`, "_", `"`, "_").Replace(string(random))
	var want []catalogue.Asset
	for n := range 12 {
		a := f.snapshot(n, `{"n":"`+text[n:]+`"}`)
		if n%3 == 0 {
			a.Data = []byte(`{"n":"` + strings.Repeat("again and ", len(text)/10) + `"}`)
		}
		want = append(want, a)
		f.know(a)
	}
	f.crash()
	got := f.allAssets(1000)
	if len(got) != len(want) {
		f.Fatalf("%d assets, want %d", len(got), len(want))
	}
	for i := range got { // not by a difference, which takes long to find in a megabyte
		if !bytes.Equal(got[i].Data, want[i].Data) {
			f.Errorf("asset %d is not what was told of it", i)
		}
	}
	page, next, err := f.engine().ListAssets(ctx, "", 1000)
	if err != nil || next == "" || len(page) >= len(want) {
		f.Errorf("a page has %d assets of a megabyte each, the next begins at %q: %v", len(page), next, err)
	}
}

// The model's part.

// someAssets are news of a few assets, at times before now.
func (m *model) someAssets(t *rapid.T) []catalogue.Asset {
	var assets []catalogue.Asset
	for range rapid.IntRange(0, 4).Draw(t, "assets") {
		m.news++
		a := catalogue.Asset{
			ID:      rapid.SampledFrom([]event.ID{event.IntID(1), event.IntID(2), event.StringID("1")}).Draw(t, "asset"),
			Changed: m.now.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds before")) * time.Second),
		}
		if rapid.Bool().Draw(t, "item") {
			a.ItemID = event.IntID(int64(m.news))
		}
		a.Deleted = rapid.IntRange(0, 3).Draw(t, "deleted") == 0
		if !a.Deleted || rapid.Bool().Draw(t, "with data") {
			padding := strings.Repeat("x", rapid.SampledFrom([]int{0, 300, 900}).Draw(t, "padding"))
			name := rapid.SampledFrom([]string{"padding", "metadata", "Metadata"}).Draw(t, "name")
			a.Data = fmt.Appendf(nil, `{"n":%d,"metadata":[],%q:{"p":%q},"last":true}`, m.news, name, padding)
		}
		assets = append(assets, a)
	}
	return assets
}

// learned does to the model what news of assets does to the store, and returns
// how much of it was older.
func (m *model) learned(assets []catalogue.Asset) (older int) {
	for _, a := range assets {
		known, told := m.assets[a.ID].Merge(a, m.now)
		if !told {
			older++
		}
		m.assets[a.ID] = known
	}
	return older
}

func (m *model) importSome(t *rapid.T) {
	assets := m.someAssets(t)
	older := must(m.engine().ImportAssets(ctx, assets, m.now)).in(m.fixture)
	equal(m.fixture, "older", older, m.learned(assets))
}

// compareAssets compares all that is known.
func (m *model) compareAssets() {
	list := m.allAssets(2)
	equal(m.fixture, "assets", len(list), len(m.assets))
	for _, a := range list {
		equal(m.fixture, "asset", a, m.assets[a.ID])
		equal(m.fixture, "asset by id", m.fixture.assets(a.ID), []catalogue.Asset{a})
		outline := must(m.engine().AssetParts(ctx, catalogue.Outline, []event.ID{a.ID})).in(m.fixture)
		m.sameOutlines(outline, []catalogue.Asset{a})
	}
}
