package rest_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

func asConnector(c *rest.Config) { c.Username, c.Password = "connector", "s3cret-password" }

func TestDigizuiteAnswersManyIDsInTheOrderAsked(t *testing.T) {
	t.Parallel()
	dam := newDigizuite(500)
	c := open(t, preset(t, "digizuite"), dam, asConnector)
	asked := ids(300, 7, 9999, 7)
	for id := range int64(250) {
		asked = append(asked, ids(id+1)...)
	}
	got, err := c.Look(t.Context(), catalogue.View{}, asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(asked) {
		t.Fatalf("%d answers to %d ids", len(got), len(asked))
	}
	for i, a := range got {
		if a.Asset.ID != asked[i] || a.Err != nil {
			t.Fatalf("answer %d is of asset %s (%v), want %s", i, a.Asset.ID, a.Err, asked[i])
		}
		if gone := asked[i].String() == "9999"; a.Asset.Deleted != gone || (a.Asset.Data == nil) != gone {
			t.Errorf("asset %s: deleted %v, data %s", a.Asset.ID, a.Asset.Deleted, a.Asset.Data)
		}
	}
	first := got[0].Asset
	if first.Title() != "Asset 300 in 0" || first.ItemID.String() != "10300" ||
		!first.Changed.Equal(time.Date(2026, 11, 20, 8, 0, 0, 250e6, time.UTC)) {
		t.Errorf("asset 300 is %+v", first)
	}
	// 252 different ids are two requests; only what is missing is asked for alone.
	if dam.requests["bulk-get"] != 2 || dam.requests["9999"] != 1 || dam.requests["7"] != 0 || dam.logins != 1 {
		t.Errorf("requests %v, logins %d", dam.requests, dam.logins)
	}
}

func TestDigizuiteShowsWhatAnAPIUserSeesInALanguage(t *testing.T) {
	t.Parallel()
	dam := newDigizuite(5)
	dam.hidden[3] = "42"
	c := open(t, preset(t, "digizuite"), dam, asConnector)
	view := catalogue.View{User: "42", Language: "3", Fields: []string{"guid-a", "guid-b"}}
	for range 2 { // the second time without another login
		got, err := c.Look(t.Context(), view, ids(2, 3))
		if err != nil {
			t.Fatal(err)
		}
		want := `{"additionalMetadata":["guid-a","guid-b"],"assetId":2,"itemId":10002,"lastModified":"2026-11-20T08:00:00.25","seenBy":"42","title":"Asset 2 in 3"}`
		if string(got[0].Asset.Data) != want {
			t.Errorf("asset 2 is %s, want %s", got[0].Asset.Data, want)
		}
		if !got[1].Asset.Deleted {
			t.Error("an asset that is hidden from the user is not gone")
		}
	}
	// Several are asked for without a language: an access key has one.
	inDanish := catalogue.View{User: "42", Language: "1"}
	for _, v := range []catalogue.View{inDanish, view, inDanish} {
		got, err := c.Look(t.Context(), v, ids(4, 5))
		if want := "Asset 4 in " + v.Language; err != nil || got[0].Asset.Title() != want {
			t.Errorf("got %q, %v; want %q", got[0].Asset.Title(), err, want)
		}
	}
	if found := listed(t, c, view, ""); !slices.Equal(found, []string{"1", "2", "4", "5"}) {
		t.Errorf("the user's list is %v", found)
	}
	if dam.logins != 4 {
		t.Errorf("%d access keys, want 4: the connector's and the user's in two languages: the connector's and the user's", dam.logins)
	}
	if own, err := c.Look(t.Context(), catalogue.View{}, ids(3)); err != nil || own[0].Asset.Deleted {
		t.Errorf("the connector itself sees %+v, %v", own, err)
	}
}

func TestDigizuiteIsListedBeyondItsFirstTenThousand(t *testing.T) {
	t.Parallel()
	dam := newDigizuite(10_450)
	c := open(t, preset(t, "digizuite"), dam, asConnector)
	cursor, seen := "", 0
	for a, err := range c.List(t.Context(), catalogue.View{}, &cursor) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if a.ID.String() != strconv.Itoa(seen) {
			t.Fatalf("asset %s in place %d", a.ID, seen)
		}
		if seen == 5_000 {
			dam.forgetKeys() // the key ends in the middle
		}
	}
	if seen != 10_450 || dam.logins != 2 {
		t.Errorf("%d assets with %d logins, want 10450 with 2", seen, dam.logins)
	}
	if left := listed(t, c, catalogue.View{}, "10400"); len(left) != 50 || left[0] != "10401" {
		t.Errorf("after 10400 come %v", left)
	}
}

// Both the connector's key and the user's end in the middle.
func TestDigizuiteIsListedAsAUserWhoseKeyEnds(t *testing.T) {
	t.Parallel()
	dam := newDigizuite(1_000)
	dam.hidden[600] = "42"
	c := open(t, preset(t, "digizuite"), dam, asConnector)
	seen := 0
	for a, err := range c.List(t.Context(), catalogue.View{User: "42"}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen%300 == 0 {
			dam.forgetKeys()
		}
		if !strings.Contains(string(a.Data), `"seenBy":"42"`) {
			t.Fatalf("asset %s is %s", a.ID, a.Data)
		}
	}
	if seen != 999 || dam.logins != 8 {
		t.Errorf("%d assets with %d access keys, want 999 with 8: four times the connector's and the user's", seen, dam.logins)
	}
}

// An error may come with HTTP 200, and is no empty list.
func TestDigizuiteReportsAnErrorInAnAnswer(t *testing.T) {
	t.Parallel()
	const said = `{"hasError":true,"errorMessage":"the index is being rebuilt","items":[]}`
	c := open(t, preset(t, "digizuite"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/access-key") {
			write(w, map[string]any{"token": "key"})
			return
		}
		say(http.StatusOK, said)(w, r)
	}), asConnector)
	if e := wantKind(t, listError(t, c, ""), catalogue.ErrNotNow); e.Text != "list: the DAM reports: the index is being rebuilt" {
		t.Errorf("error is %v", e)
	}
}

func TestAnAssetThatCantBeReadLeavesTheOthersBe(t *testing.T) {
	t.Parallel()
	dam := newDigizuite(5)
	dam.broken[3] = true
	c := open(t, preset(t, "digizuite"), dam, asConnector)
	got, err := c.Look(t.Context(), catalogue.View{}, ids(2, 3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Err != nil || got[2].Err != nil || got[0].Asset.Data == nil || got[2].Asset.Data == nil {
		t.Errorf("the others are %+v", got)
	}
	if e := wantKind(t, got[1].Err, catalogue.ErrUnreadable); e.Asset != ids(3)[0] || got[1].Asset.Deleted {
		t.Errorf("the answer is %+v", got[1])
	}
	assets, err := c.Assets(t.Context(), ids(2, 3, 4))
	if wantKind(t, err, catalogue.ErrUnreadable); len(assets) != 2 {
		t.Errorf("%d assets beside the error, want 2", len(assets))
	}
	var seen, failed int
	for _, err := range c.List(t.Context(), catalogue.View{}, nil) {
		if seen++; errors.Is(err, catalogue.ErrUnreadable) {
			failed++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if seen != 5 || failed != 1 {
		t.Errorf("a list of %d with %d errors, want 5 and 1", seen, failed)
	}
}
