package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// keptBody is a request about assets that have these states, by their ids.
func keptBody(states ...string) string {
	actions := make([]string, len(states))
	for id, state := range states {
		actions[id] = fmt.Sprintf(`{"type":"sync","asset":{"assetId":%d},"integrationState":%q,"assetStateHash":"%x","assetId":%d}`,
			id, state, sha256.Sum256([]byte(state)), id)
	}
	return `{"actions":[` + strings.Join(actions, ",") + `],"configuration":null,"tenantId":""}`
}

func TestTheClientThatKeepsStatesPostsThemWithTheNextRequest(t *testing.T) {
	t.Parallel()
	k, err := newKeeping(filepath.Join(t.TempDir(), "kept.db"), [][]byte{[]byte(keptBody("a", `{"b": 1}`))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct{ answer, next string }{
		{"", keptBody("a", `{"b": 1}`)},
		{`{"Items":[{"AssetId":1,"IntegrationState":"{\"b\": 2}"},{"AssetId":0,"IntegrationState":"A"}]}`, keptBody("A", `{"b": 2}`)},
	} {
		if c.answer != "" {
			if err := k.keep(0, []byte(c.answer)); err != nil {
				t.Fatal(err)
			}
		}
		body, err := k.compose(nil, 0)
		if err != nil || string(body) != c.next {
			t.Errorf("after %q: body %s, %v; want %s", c.answer, body, err, c.next)
		}
	}
	if err := k.keep(0, []byte(`{"Items":[]}`)); err == nil {
		t.Error("no error of an answer that leaves assets out")
	}
}

func TestWhatHasNoStateYetIsNotKept(t *testing.T) {
	t.Parallel()
	body := `{"actions":[{"type":"sync","asset":{},"integrationState":null,"assetStateHash":null,"assetId":7}]}`
	if _, err := newKeeping(filepath.Join(t.TempDir(), "kept.db"), [][]byte{[]byte(body)}); err == nil || !strings.Contains(err.Error(), "asset 7") {
		t.Errorf("error %v, want one that names the asset", err)
	}
}
