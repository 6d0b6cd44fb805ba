package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tell posts actions to a shop, and returns its answer.
func tell(t *testing.T, s *shop, actions string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, shopPath, strings.NewReader(`{"actions":[`+actions+`]}`)))
	return w.Body.String()
}

func TestAShopWantsItsStatesBack(t *testing.T) {
	t.Parallel()
	const (
		first = `{"type":"sync","asset":{},"integrationState":null,"assetStateHash":null,"assetId":7}`
		again = `{"type":"sync","asset":{},"integrationState":"{\"row\": 7, \"revision\": 1, \"by\": \"shop\"}",` +
			`"assetStateHash":"HASH","assetId":7}`
	)
	s := newShop()
	if err := s.begin(true, true, ""); err != nil {
		t.Fatal(err)
	}
	want := `{"Items":[{"AssetId":7,"IntegrationState":"{\"row\": 7, \"revision\": 1, \"by\": \"shop\"}"}]}`
	if got := tell(t, s, first); got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	if got := s.tally(); got.Wrong != 0 || got.Distinct != 1 || got.Holds != 1 {
		t.Errorf("tally %+v", got)
	}
	for name, actions := range map[string]string{
		"no state":    first,
		"wrong hash":  strings.ReplaceAll(again, "HASH", strings.Repeat("0", 64)),
		"no data":     `{"type":"sync","asset":null,"integrationState":null,"assetStateHash":null,"assetId":8}`,
		"state of no": strings.ReplaceAll(again, `"assetId":7`, `"assetId":9`),
	} {
		before := s.tally().Wrong
		tell(t, s, actions)
		if s.tally().Wrong == before {
			t.Errorf("%s: no fault", name)
		}
	}
}

func TestAShopThatDoesNotJudgeForgets(t *testing.T) {
	t.Parallel()
	s := newShop()
	path := filepath.Join(t.TempDir(), "kept")
	if err := s.begin(false, false, path); err != nil {
		t.Fatal(err)
	}
	const action = `{"type":"sync","asset":{},"integrationState":"x","assetStateHash":"x","assetId":7}`
	tell(t, s, action)
	tell(t, s, action)
	if got := s.tally(); got.Wrong != 0 || got.Holds != 0 || got.Distinct != 1 || got.Repeated != 1 || got.Requests != 2 {
		t.Errorf("tally %+v", got)
	}
	if err := s.begin(true, true, ""); err != nil {
		t.Fatal(err)
	}
	bodies, err := readCaptured(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, body := range bodies {
		got = append(got, string(body))
	}
	body := `{"actions":[` + action + `]}`
	if diff := cmp.Diff([]string{body, body}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestFaultsOfAResync(t *testing.T) {
	t.Parallel()
	good := shopTally{Distinct: 10, Largest: resyncBatch, Holds: 10}
	for name, c := range map[string]struct {
		change func(*shopTally)
		faults int
	}{
		"none":            {func(*shopTally) {}, 0},
		"lost":            {func(t *shopTally) { t.Distinct = 9 }, 1},
		"twice":           {func(t *shopTally) { t.Repeated = 1 }, 1},
		"too many":        {func(t *shopTally) { t.Largest++ }, 1},
		"not held":        {func(t *shopTally) { t.Holds-- }, 1},
		"states, and how": {func(t *shopTally) { t.Faults, t.Wrong = []string{"a"}, 7 }, 2},
	} {
		tally := good
		c.change(&tally)
		if got := tally.faults(10, 10); len(got) != c.faults {
			t.Errorf("%s: %q, want %d", name, got, c.faults)
		}
	}
}
