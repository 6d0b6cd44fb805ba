package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// shop is a receiver, and a DAM that holds "content of ID".
func shop(t *testing.T) *receiver {
	t.Helper()
	dam := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "content of ", strings.TrimPrefix(r.URL.Path, "/assets/"))
	}))
	t.Cleanup(dam.Close)
	return newReceiver(directus{dam.URL, "token"})
}

// post sends actions, and returns the states that they are answered with, by id.
func post(t *testing.T, r *receiver, actions ...string) (status int, states map[string]string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	body := `{"actions":[` + strings.Join(actions, ",") + `],"configuration":null,"tenantId":""}`
	r.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	var answer struct {
		Items []item `json:"Items"`
	}
	_ = json.Unmarshal(recorder.Body.Bytes(), &answer)
	states = make(map[string]string)
	for _, i := range answer.Items {
		states[i.AssetID] = i.IntegrationState
	}
	return recorder.Code, states
}

func syncAction(id, title, state string) string {
	given, hash := "null", "null"
	if state != "" {
		text, _ := json.Marshal(state)
		given, hash = string(text), `"`+sum([]byte(state))+`"`
	}
	return fmt.Sprintf(`{"type":"sync","assetId":%q,"asset":{"id":%q,"title":%q,"filesize":"11"},"integrationState":%s,"assetStateHash":%s}`,
		id, id, title, given, hash)
}

func TestAReceiverKeepsWhatItIsTold(t *testing.T) {
	t.Parallel()
	r := shop(t)
	_, states := post(t, r, syncAction("a", "One", ""), syncAction("b", "Two", ""))
	if states["a"] != `{"article":"P-0001","version":1}` || states["b"] != `{"article":"P-0002","version":1}` {
		t.Errorf("states %v", states)
	}
	_, states = post(t, r, syncAction("a", "One more", states["a"]))
	if states["a"] != `{"article":"P-0001","version":2}` {
		t.Errorf("states %v", states)
	}
	gone := strings.Replace(strings.Replace(syncAction("b", "", `{"article":"P-0002","version":1}`), "sync", "delete", 1),
		`{"id":"b","title":"","filesize":"11"}`, "null", 1)
	if _, states = post(t, r, gone); len(states) != 1 {
		t.Errorf("a deletion is answered with %v", states)
	}
	now := r.tally()
	if len(now.faults) > 0 || len(now.assets) != 1 || now.requests != 3 || now.syncs["a"] != 2 || now.deletes["b"] != 1 {
		t.Errorf("it has %+v", now)
	}
	if a := now.assets["a"]; a.Title != "One more" || a.Size != "11" || a.sum != sum([]byte("content of a")) {
		t.Errorf("a is %+v", a)
	}
}

func TestAReceiverHoldsDzToTheContract(t *testing.T) {
	t.Parallel()
	known := `{"article":"P-0001","version":1}`
	for name, c := range map[string]struct{ action, want string }{
		"a state of what is new":   {syncAction("new", "x", "{}"), "never synchronised"},
		"no state":                 {syncAction("a", "x", ""), "its state is"},
		"an older state":           {syncAction("a", "x", `{"article":"P-0001","version":0}`), "its state is"},
		"a wrong hash":             {strings.Replace(syncAction("a", "x", known), sum([]byte(known)), "00", 1), "the hash of its state"},
		"another asset":            {strings.Replace(syncAction("a", "x", known), `"id":"a"`, `"id":"b"`, 1), `its asset is "b"`},
		"an unknown action":        {strings.Replace(syncAction("a", "x", known), "sync", "create", 1), "does not know"},
		"no asset":                 {`{"type":"sync","assetId":"new","asset":null}`, "its asset is"},
		"a deletion with an asset": {strings.Replace(syncAction("a", "x", known), "sync", "delete", 1), "with an asset"},
		"a deletion of nothing":    {`{"type":"delete","assetId":"new","asset":null}`, "never synchronised"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := shop(t)
			post(t, r, syncAction("a", "One", ""))
			_, states := post(t, r, c.action)
			faults := r.tally().faults
			if len(states) != 0 || len(faults) != 1 || !strings.Contains(faults[0], c.want) {
				t.Errorf("answered with %v, faults %q", states, faults)
			}
		})
	}
}

func TestARequestThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	r := shop(t)
	if status, _ := post(t, r); status != http.StatusBadRequest || len(r.tally().faults) != 1 {
		t.Errorf("a request without actions: %d, %v", status, r.tally().faults)
	}
	r.setDown(true)
	status, _ := post(t, r, syncAction("a", "One", ""))
	if now := r.tally(); status != http.StatusServiceUnavailable || now.refused != 1 || len(now.assets) != 0 {
		t.Errorf("while it is down: %d, %+v", status, now)
	}
}
