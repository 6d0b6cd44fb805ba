package catalogue

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

// shelf is a store's catalogue of assets 0, 1, 2, …, with pages of two.
type shelf struct {
	assets []Asset
	err    error
}

func (s shelf) AssetParts(_ context.Context, _ Part, ids []event.ID) ([]Asset, error) {
	var found []Asset
	for _, id := range ids {
		for _, a := range s.assets {
			if a.ID == id {
				found = append(found, a)
			}
		}
	}
	return found, s.err
}

func (s shelf) ListAssetParts(_ context.Context, part Part, cursor string, _ int) ([]Asset, string, error) {
	begin := 0
	if cursor != "" {
		begin, _ = strconv.Atoi(cursor)
	}
	end := min(begin+2, len(s.assets))
	next := ""
	if end < len(s.assets) {
		next = strconv.Itoa(end)
	}
	page := slices.Clone(s.assets[begin:end])
	for i := range page {
		if part == Bare {
			page[i].Data = nil
		}
	}
	return page, next, s.err
}

func newShelf(data ...string) shelf {
	var s shelf
	for i, text := range data {
		s.assets = append(s.assets, Asset{ID: event.IntID(int64(i)), ItemID: event.IntID(int64(100 + i)), Data: json.RawMessage(text), Deleted: text == "{}"})
	}
	return s
}

func TestAnEmbeddedCatalogueAnswersForEachID(t *testing.T) {
	t.Parallel()
	c := NewEmbedded(newShelf(`{"metadata":{"t":{"en":"Sea","da":"Hav"}}}`, `{}`, `{"a":`))
	ids := []event.ID{event.IntID(1), event.IntID(7), event.IntID(0), event.IntID(2), event.IntID(0)}
	answers, err := c.Look(t.Context(), View{Language: "da", Fields: []string{"x"}}, ids)
	if err != nil || len(answers) != len(ids) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	for i, want := range []struct {
		data    string
		deleted bool
		kind    error
	}{{`{}`, true, nil}, {}, {`{"metadata":{"t":"Hav"}}`, false, nil}, {kind: ErrUnreadable}, {`{"metadata":{"t":"Hav"}}`, false, nil}} {
		got := answers[i]
		if got.Asset.ID != ids[i] || string(got.Asset.Data) != want.data || got.Asset.Deleted != want.deleted || !errors.Is(got.Err, want.kind) {
			t.Errorf("asset %s: %s, deleted %v, %v; want %+v", ids[i], got.Asset.Data, got.Asset.Deleted, got.Err, want)
		}
	}
}

func TestAnEmbeddedCatalogueListsWhatIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := NewEmbedded(newShelf(`{"n":0}`, `{}`, `{"n":2}`, `{"n":`, `{"n":4}`))
	type shown struct{ id, cursor string }
	var cursor string
	var got []shown
	for a, err := range c.List(t.Context(), View{Language: "en"}, &cursor) {
		if (err != nil) != (a.ID == event.IntID(3)) || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Errorf("asset %s: %v", a.ID, err)
		}
		got = append(got, shown{a.ID.String(), cursor})
	}
	want := []shown{{"0", ""}, {"2", "2"}, {"3", "2"}, {"4", "4"}}
	if !slices.Equal(got, want) || cursor != "4" {
		t.Errorf("%v, then %q; want %v, then 4", got, cursor, want)
	}
	for a := range c.List(t.Context(), View{}, &cursor) {
		if a.ID != event.IntID(4) {
			t.Errorf("asset %s once more", a.ID)
		}
	}
	for range c.List(t.Context(), View{}, nil) {
		break
	}
	var bare []string
	for a, err := range c.List(t.Context(), View{Language: "en", Part: Bare}, nil) {
		if a.Data != nil || err != nil { // nor is it found out that it can't be read
			t.Errorf("asset %s has %s, %v", a.ID, a.Data, err)
		}
		bare = append(bare, a.ID.String())
	}
	if want := []string{"0", "2", "3", "4"}; !slices.Equal(bare, want) {
		t.Errorf("%v without data, want %v", bare, want)
	}
}

func TestAnEmbeddedCatalogueShowsNothingAsOneUserSeesIt(t *testing.T) {
	t.Parallel()
	c := NewEmbedded(newShelf(`{"n":0}`))
	view := View{User: "42"}
	if answers, err := c.Look(t.Context(), view, []event.ID{event.IntID(0)}); !errors.Is(err, ErrRefused) || answers != nil {
		t.Errorf("look: %v, %v", answers, err)
	}
	n := 0
	for a, err := range c.List(t.Context(), view, nil) {
		if n++; !errors.Is(err, ErrRefused) || a.Data != nil {
			t.Errorf("list: %s, %v", a.Data, err)
		}
	}
	if n != 1 {
		t.Errorf("the list yields %d times, want its error alone", n)
	}
}

func TestAnEmbeddedCatalogueHandsOnTheStoresErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	c := NewEmbedded(shelf{err: broken})
	if _, err := c.Look(t.Context(), View{}, nil); !errors.Is(err, broken) {
		t.Errorf("look: %v", err)
	}
	for _, err := range c.List(t.Context(), View{}, nil) {
		if !errors.Is(err, broken) {
			t.Errorf("list: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range NewEmbedded(newShelf(`{}`, `{}`, `{}`)).List(ctx, View{}, nil) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %v", err)
		}
	}
}
