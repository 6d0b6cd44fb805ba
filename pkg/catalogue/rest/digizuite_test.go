package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

// digizuite behaves as the DAM does: it gives access keys, shows a user of the
// API that user's assets, and searches its first 10,000 alone.
type digizuite struct {
	mu       sync.Mutex
	assets   []int          // ids, sorted
	hidden   map[int]string // from this member
	keys     map[string]digizuiteKey
	lifetime time.Duration
	logins   int
	requests map[string]int // by path's last part
	broken   map[int]bool   // assets whose answer is not of the form
}

type digizuiteKey struct {
	member   string
	language int
}

func newDigizuite(assets int) *digizuite {
	d := &digizuite{
		keys: map[string]digizuiteKey{}, lifetime: time.Hour, requests: map[string]int{},
		hidden: map[int]string{}, broken: map[int]bool{},
	}
	for id := range assets {
		d.assets = append(d.assets, id+1)
	}
	return d
}

// forgetKeys has every access key end before its time.
func (d *digizuite) forgetKeys() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.keys)
}

func (d *digizuite) newKey(w http.ResponseWriter, key digizuiteKey) {
	d.logins++
	token := fmt.Sprintf("MII+key/%s/%d/%d==", key.member, key.language, d.logins)
	d.keys[token] = key
	write(w, map[string]any{"token": token, "id": d.logins, "expiration": time.Now().Add(d.lifetime).Format(time.RFC3339Nano)})
}

func (d *digizuite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]++
	var body map[string]json.RawMessage
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, "no JSON", http.StatusBadRequest)
			return
		}
	}
	text := func(name string) string { return strings.Trim(string(body[name]), `"`) }
	if r.URL.Path == "/DigizuiteCore/LoginService/api/access-key" {
		if text("username") != "connector" || text("password") != "s3cret-password" || text("passwordEncoding") != "Plaintext" {
			http.Error(w, "wrong password: "+text("password"), http.StatusForbidden)
			return
		}
		d.newKey(w, digizuiteKey{"connector", languageOf(body["options"])})
		return
	}
	key, ok := d.keys[strings.TrimPrefix(r.Header.Get("Authorization"), "AccessKey ")]
	if !ok {
		http.Error(w, "who is "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		return
	}
	const assets = "/DigizuiteCore/LegacyService/api/assets/"
	switch path := r.URL.Path; {
	case path == "/DigizuiteCore/LoginService/api/access-key/impersonate":
		d.newKey(w, digizuiteKey{text("MemberId"), languageOf(body["Options"])})
	case path == assets+"bulk-get":
		var wanted []int
		_ = json.Unmarshal(body["assetIds"], &wanted)
		found := []any{}
		for _, id := range wanted {
			if d.shows(key, id) {
				found = append(found, d.asset(key, id, key.language, fields(body)))
			}
		}
		slices.Reverse(found) // in no order that was asked for
		write(w, found)
	case path == assets+"search":
		d.search(w, key, body)
	case strings.HasPrefix(path, assets):
		id, _ := strconv.Atoi(strings.TrimPrefix(path, assets))
		if !d.shows(key, id) {
			http.Error(w, `{"message":"not found"}`, http.StatusNotFound)
			return
		}
		language, _ := strconv.Atoi(r.URL.Query().Get("languageId"))
		write(w, d.asset(key, id, max(language, key.language), r.URL.Query()["metaFieldItemGuids"]))
	default:
		http.NotFound(w, r)
	}
}

func languageOf(options json.RawMessage) int {
	var o struct {
		LanguageID int `json:"languageId"`
	}
	_ = json.Unmarshal(options, &o)
	return o.LanguageID
}

func fields(body map[string]json.RawMessage) (guids []string) {
	_ = json.Unmarshal(body["metaFieldItemGuids"], &guids)
	return guids
}

func (d *digizuite) shows(key digizuiteKey, id int) bool {
	_, found := slices.BinarySearch(d.assets, id)
	return found && d.hidden[id] != key.member
}

func (d *digizuite) asset(key digizuiteKey, id, language int, guids []string) any {
	a := map[string]any{
		"assetId": id, "itemId": 10000 + id, "title": fmt.Sprintf("Asset %d in %d", id, language),
		"lastModified": "2026-11-20T08:00:00.25", "seenBy": key.member, "additionalMetadata": guids,
	}
	if d.broken[id] {
		a["lastModified"] = true
	}
	return a
}

func (d *digizuite) search(w http.ResponseWriter, key digizuiteKey, body map[string]json.RawMessage) {
	var count, skip, from int
	_ = json.Unmarshal(body["count"], &count)
	_ = json.Unmarshal(body["skip"], &skip)
	var facets []struct {
		SearchKey string `json:"searchKey"`
		LongRange struct {
			From int `json:"from"`
		} `json:"longRange"`
	}
	_ = json.Unmarshal(body["facetFields"], &facets)
	for _, f := range facets {
		if f.SearchKey == "assetId" {
			from = f.LongRange.From
		}
	}
	if skip+count > 10000 {
		write(w, map[string]any{"hasError": true, "errorMessage": "the result window is too large", "items": []any{}})
		return
	}
	items := []any{}
	for _, id := range d.assets {
		if id < from || !d.shows(key, id) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(items) == count {
			break
		}
		items = append(items, d.asset(key, id, languageOf(mustMarshal(body)), fields(body)))
	}
	write(w, map[string]any{"errorCode": 0, "errorMessage": "", "hasError": false, "items": items, "total": len(d.assets)})
}

func mustMarshal(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

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
