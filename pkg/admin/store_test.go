package admin

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestTheStoreIsDescribed(t *testing.T) {
	t.Parallel()
	server := start(t)
	stats, err := server.StoreStats(t.Context())
	if err != nil || stats.Path != "/dz.db" || stats.Debts != 7 {
		t.Errorf("got %+v, %v", stats, err)
	}
	if got := server.raw(t, "GET", "/api/v1/store", "", ""); !strings.Contains(got.body, `"buckets":[]`) {
		t.Errorf("got %s", got.body)
	}
}

func TestABackupArrivesAsItIs(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.backup = []string{"one", strings.Repeat("two", 1<<20), "\x00three"}
	server := run(t, service, Policy{Owner: uint32(os.Geteuid())})
	var got bytes.Buffer
	if err := server.Backup(t.Context(), &got); err != nil || got.String() != strings.Join(service.backup, "") {
		t.Errorf("got %d bytes, %v", got.Len(), err)
	}
	if answer := server.raw(t, "GET", "/api/v1/store/backup", "", ""); answer.header.Get("Content-Type") != typeBinary {
		t.Errorf("got %v", answer.header)
	}
}

// A backup that can't begin says why; one that is broken off does not look like
// one that has ended.
func TestABackupThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.fail = &api.Error{Code: api.CodeFull, Message: "no room for a copy"}
	server := run(t, service, Policy{Owner: uint32(os.Geteuid())})
	var got bytes.Buffer
	wantError(t, server.Backup(t.Context(), &got), api.CodeFull, "no room")
	if got.Len() > 0 {
		t.Errorf("%q was written", got.String())
	}
	service.mu.Lock()
	service.backup, service.fail = []string{strings.Repeat("x", 1<<20)}, errors.New("the disk is broken")
	service.mu.Unlock()
	wantError(t, server.Backup(t.Context(), &got), api.CodeUnreachable, "broke off")
}

func TestABackupIsNotForViewers(t *testing.T) {
	t.Parallel()
	policy := Policy{Owner: 100, Group: &Group{"dz", 50}, View: &Group{"dz-view", 51}}
	ask := as(t, Peer{UID: 1000, GID: 60}, policy, func(uint32) ([]uint32, error) { return []uint32{60, 51}, nil })
	if status, told := ask("GET", "/api/v1/store"); status != http.StatusOK {
		t.Errorf("a viewer may not look at the store: %+v", told)
	}
	for _, target := range []string{
		"/api/v1/store/backup", "/api/v1/store/b%61ckup", "/api/v1/store/backup?x=1", "/api/v1/store%2Fbackup",
	} {
		if status, told := ask("GET", target); status != http.StatusForbidden || told.Code != api.CodeForbidden {
			t.Errorf("%s: got %d %+v", target, status, told)
		}
	}
	for _, target := range []string{"/api/v1//store/backup", "/api/v1/x/../store/backup", "/api/v1/store/backup/"} {
		if status, _ := ask("GET", target); status == http.StatusOK {
			t.Errorf("%s: got %d", target, status)
		}
	}
}
