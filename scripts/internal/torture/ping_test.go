package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

func TestPingsAreReadAndChecked(t *testing.T) {
	t.Parallel()
	const trigger = `{"event":"approved","user":0,"session":0,"created":1670000000,"sent":1670000005,"secret":"a7353045ef321ba02a4fb9ce525b0a90"}`
	const good = `{"trigger":` + trigger + `,"item":{"ID":"12345","GID":7},"data":{"general":{"ID":12345,"GID":7}}}`
	for name, c := range map[string]struct {
		old, other string
		strange    int
	}{
		"as it should be":  {},
		"another secret":   {`0a90"`, `0a91"`, 1},
		"an older change":  {`"GID":7}}}`, `"GID":6}}}`, 1},
		"an unknown event": {"approved", "gone", 1},
		"no number":        {`"12345","GID"`, `"x","GID"`, 2}, // and so another secret
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New()
			account := l.Open("site", ledger.Terms{Concurrency: 1, Reasons: true})
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/site/", strings.NewReader(strings.Replace(good, c.old, c.other, 1)))
			n, err := readPing("s3cr3t")(request, account)
			if err != nil {
				t.Fatal(err)
			}
			if want := (ledger.Key{Type: asset, Reason: 2, Item: 12345}); c.strange == 0 && (n.Key != want || n.Number != 7) {
				t.Errorf("read %+v, want change 7 of %+v", n.Event, want)
			}
			if counts, faults := l.Reconcile(); counts.Strange != c.strange {
				t.Errorf("%d strange, want %d: %q", counts.Strange, c.strange, faults)
			}
		})
	}
}
