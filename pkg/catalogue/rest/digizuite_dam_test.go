package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
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
