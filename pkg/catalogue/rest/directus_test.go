package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/event"
)

// directus is the files of a Directus: with ids that are no numbers, and the
// same answer for what is not there and what may not be read.
func directus(files []string) http.HandlerFunc {
	const forbidden = `{"errors":[{"message":"You don't have permission to access this.","extensions":{"code":"FORBIDDEN"}}]}`
	file := func(id string) any {
		return map[string]any{"id": id, "title": "File " + id, "uploaded_on": "2026-11-19T10:00:00.000Z", "modified_on": nil}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if r.Header.Get("Authorization") != "Bearer static-token" { // of a role that may read no files
			say(http.StatusForbidden, forbidden)(w, r)
			return
		}
		found := []any{}
		if id, ok := strings.CutPrefix(r.URL.Path, "/base/files/"); ok {
			if !slices.Contains(files, id) {
				say(http.StatusForbidden, forbidden)(w, r)
				return
			}
			write(w, map[string]any{"data": file(id)})
			return
		}
		if wanted := query.Get("filter[id][_in]"); wanted != "" {
			for _, id := range files {
				if slices.Contains(strings.Split(wanted, ","), id) {
					found = append(found, file(id))
				}
			}
			write(w, map[string]any{"data": found})
			return
		}
		page, _ := strconv.Atoi(query.Get("page"))
		limit, _ := strconv.Atoi(query.Get("limit"))
		for _, id := range files[min((page-1)*limit, len(files)):min(page*limit, len(files))] {
			found = append(found, file(id))
		}
		write(w, map[string]any{"data": found})
	}
}

func TestDirectusHasNoOtherWayToSayGoneThanForbidden(t *testing.T) {
	t.Parallel()
	var files []string
	for i := range 230 {
		files = append(files, fmt.Sprintf("0f3a-%04d", i))
	}
	c := open(t, preset(t, "directus"), directus(files), func(c *rest.Config) { c.URL += "/base/"; c.Token = "static-token" })
	got, err := c.Look(t.Context(), catalogue.View{}, []event.ID{event.StringID("0f3a-0007"), event.StringID("dead"), event.StringID("0f3a-0001")})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Asset.Title() != "File 0f3a-0007" || got[0].Asset.Changed.Day() != 19 || !got[1].Asset.Deleted || got[2].Asset.Deleted {
		t.Errorf("got %+v", got)
	}
	if found := listed(t, c, catalogue.View{}, ""); !slices.Equal(found, files) {
		t.Errorf("a list of %d", len(found))
	}
	if found := listed(t, c, catalogue.View{}, "3"); !slices.Equal(found, files[200:]) {
		t.Errorf("from page 3 a list of %d", len(found))
	}
}

// A role that has lost its right to read files is told of each file what it is
// told of one that is gone. Asked for several, that shows.
func TestDirectusHasLostNoFilesIfItForbidsAll(t *testing.T) {
	t.Parallel()
	c := open(t, preset(t, "directus"), directus([]string{"a", "b"}), func(c *rest.Config) { c.URL += "/base"; c.Token = "another-token" })
	for _, asked := range [][]event.ID{{event.StringID("a")}, {event.StringID("a"), event.StringID("b")}, {event.StringID("dead")}} {
		_, err := c.Look(t.Context(), catalogue.View{}, asked)
		wantKind(t, err, catalogue.ErrRefused)
	}
	for _, err := range c.List(t.Context(), catalogue.View{}, nil) {
		wantKind(t, err, catalogue.ErrRefused)
	}
}

// recorded answers as a Directus 11.3.5 with a store in SQLite did, in the order
// it was asked: at first a user who may read the files that lie in no folder, in
// the end the same user without that right.
func recorded(t *testing.T, when string) http.HandlerFunc {
	t.Helper()
	text, err := os.ReadFile("testdata/directus.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	type exchange struct {
		When   string            `json:"when"`
		Path   string            `json:"path"`
		Query  map[string]string `json:"query"`
		Status int               `json:"status"`
		Body   json.RawMessage   `json:"body"`
	}
	var exchanges []exchange
	for line := range bytes.Lines(text) {
		var e exchange
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		exchanges = append(exchanges, e)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		query := make(map[string]string)
		for name, values := range r.URL.Query() {
			query[name] = values[0]
		}
		for _, e := range exchanges {
			if e.When == when && e.Path == r.URL.Path && maps.Equal(e.Query, query) {
				say(e.Status, string(e.Body))(w, r)
				return
			}
		}
		t.Errorf("%s %s was not recorded", when, r.URL)
		http.Error(w, "not recorded", http.StatusTeapot)
	}
}

// What the recorded Directus has.
var (
	cafe   = event.StringID("50f18b81-000e-4817-ae86-e7735f9f1dd4")
	hidden = event.StringID("9c062096-616f-4a22-b3db-bc9657c6a648") // in a folder
	never  = event.StringID("11111111-2222-4333-8444-555555555555")
)

func onDirectus(c *rest.Config) {
	c.Token = "static-token"
	c.Now = func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }
}

func TestDirectusAsItWasRecorded(t *testing.T) {
	t.Parallel()
	c := open(t, preset(t, "directus"), recorded(t, "may read"), onDirectus)
	got, err := c.Look(t.Context(), catalogue.View{}, []event.ID{cafe, never, hidden})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Asset.Title() != "Café" || got[0].Asset.Deleted || !got[1].Asset.Deleted || !got[2].Asset.Deleted {
		t.Errorf("several are %+v", got)
	}
	// It has written its own local time, and not said so.
	if at := got[0].Asset.Changed; !at.Equal(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("changed at %s, want when it was seen", at)
	}
	for id, gone := range map[event.ID]bool{cafe: false, never: true, hidden: true} {
		alone, err := one(t, c, id)
		if err != nil || alone.Err != nil || alone.Asset.Deleted != gone {
			t.Errorf("%s alone is %+v, %v; want gone: %v", id, alone, err, gone)
		}
	}
	if found := listed(t, c, catalogue.View{}, ""); len(found) != 6 || !slices.Contains(found, cafe.String()) || slices.Contains(found, hidden.String()) {
		t.Errorf("the list is %v", found)
	}
}

func TestDirectusAsItWasRecordedRefuses(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		"wrong token":  `get: HTTP 401 Unauthorized: {"errors":[{"message":"Invalid user credentials."`,
		"may not read": `many: HTTP 403 Forbidden: {"errors":[{"message":"You don't have permission to access collection`,
	} {
		_, err := one(t, open(t, preset(t, "directus"), recorded(t, when), onDirectus), cafe)
		if e := wantKind(t, err, catalogue.ErrRefused); !strings.HasPrefix(e.Text, want) {
			t.Errorf("%s: %v", when, e)
		}
	}
}
