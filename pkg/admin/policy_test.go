package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	const owner, stranger, dz, view, users = 100, 1000, 50, 51, 60
	writers, viewers := &Group{"dz", dz}, &Group{"dz-view", view}
	tests := []struct {
		name   string
		group  *Group
		view   *Group
		peer   Peer
		groups []uint32
		want   Access
	}{
		{"the daemon's user", nil, nil, Peer{UID: owner, GID: users}, nil, WriteAccess},
		{"root", nil, nil, Peer{UID: 0, GID: 0}, nil, WriteAccess},
		{"a stranger without groups", nil, nil, Peer{UID: stranger, GID: users}, []uint32{users}, NoAccess},
		{"a stranger in root's group", writers, viewers, Peer{UID: stranger, GID: 0}, nil, NoAccess},
		{"a stranger", writers, viewers, Peer{UID: stranger, GID: users}, []uint32{users, 61}, NoAccess},
		{"a member by its first group", writers, viewers, Peer{UID: stranger, GID: dz}, nil, WriteAccess},
		{"a member by another group", writers, viewers, Peer{UID: stranger, GID: users}, []uint32{users, dz}, WriteAccess},
		{"a member by its process", writers, viewers, Peer{UID: stranger, GID: users, Groups: []uint32{61, dz}}, []uint32{users}, WriteAccess},
		{"a viewer by its process, a member by its user", writers, viewers, Peer{UID: stranger, GID: users, Groups: []uint32{view}}, []uint32{dz}, WriteAccess},
		{"a viewer by its process", writers, viewers, Peer{UID: stranger, GID: users, Groups: []uint32{view}}, nil, ReadAccess},
		{"a viewer by its first group", writers, viewers, Peer{UID: stranger, GID: view}, nil, ReadAccess},
		{"a viewer by another group", writers, viewers, Peer{UID: stranger, GID: users}, []uint32{view}, ReadAccess},
		{"a member of both", writers, viewers, Peer{UID: stranger, GID: view}, []uint32{dz}, WriteAccess},
		{"a viewer where nobody may view", writers, nil, Peer{UID: stranger, GID: view}, nil, NoAccess},
		{"a viewer where nobody else may write", nil, viewers, Peer{UID: stranger, GID: users}, []uint32{view}, ReadAccess},
		{"one group for both", writers, writers, Peer{UID: stranger, GID: dz}, nil, WriteAccess},
		{"the daemon's user in the view group", writers, viewers, Peer{UID: owner, GID: view}, []uint32{view}, WriteAccess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			policy := Policy{Owner: owner, Group: tt.group, View: tt.view}
			if got := policy.access(tt.peer, tt.groups); got != tt.want {
				t.Errorf("got access %d, want %d", got, tt.want)
			}
			// What is decided without asking for groups must not change by asking.
			if !policy.needsGroups(tt.peer) && policy.access(tt.peer, nil) != tt.want {
				t.Error("the groups are not asked for, and would have changed it")
			}
		})
	}
}

func TestNeededAccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, target string
		want           Access
	}{
		{"GET", "/api/v1/endpoints", ReadAccess},
		{"HEAD", "/api/v1/endpoints", ReadAccess},
		{"GET", "/metrics", ReadAccess},
		{"GET", "/api/v1/endpoints?reveal=false", ReadAccess},
		{"GET", "/api/v1/endpoints?reveal=true", WriteAccess},
		{"GET", "/api/v1/endpoints?reveal=1", WriteAccess},
		{"GET", "/api/v1/endpoints?reveal", WriteAccess},
		{"GET", "/api/v1/endpoints?reveal=false&reveal=true", WriteAccess},
		{"GET", "/api/v1/endpoints?%72eveal=true", WriteAccess},
		{"POST", "/api/v1/failures/retry", WriteAccess},
		{"PATCH", "/api/v1/endpoints/shop", WriteAccess},
		{"DELETE", "/api/v1/endpoints/shop", WriteAccess},
		{"OPTIONS", "/", WriteAccess},
		{"BREW", "/", WriteAccess},
	}
	for _, tt := range tests {
		if got := neededAccess(httptest.NewRequest(tt.method, tt.target, nil)); got != tt.want {
			t.Errorf("%s %s: got access %d, want %d", tt.method, tt.target, got, tt.want)
		}
	}
}

// net/url and huma read a query differently where it is malformed; no form of
// reveal may slip between the two.
func TestRevealInAMalformedQuery(t *testing.T) {
	t.Parallel()
	viewer, ownGroup := Policy{Owner: stranger()}, uint32(os.Getegid())
	viewer.View = &Group{"view", ownGroup}
	if os.Geteuid() == 0 {
		t.Skip("root may always write")
	}
	server := run(t, newFake(), viewer)
	for _, query := range []string{"reveal=true;x", "x;reveal=true", "a=%zz&reveal=true", "reveal=true%", "&reveal=true"} {
		if got := server.raw(t, "GET", "/api/v1/endpoints?"+query, "", ""); got.status == http.StatusOK {
			t.Errorf("%s: let through: %s", query, got.body)
		}
	}
}

// stranger is a user that is not the one who runs the test.
func stranger() uint32 { return uint32(os.Geteuid()) + 1 }

// as makes a server that takes its peers for somebody else.
func as(t *testing.T, peer Peer, policy Policy, lookup func(uint32) ([]uint32, error)) func(method, target string) (int, api.Error) {
	t.Helper()
	server := newServer(t, newFake(), policy)
	server.members = newGroupCache(lookup)
	return func(method, target string) (int, api.Error) {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(method, target, nil)
		request = request.WithContext(withPeerResult(request.Context(), peerResult{peer: peer}))
		server.handler.ServeHTTP(recorder, request)
		return recorder.Code, errorOf(t, recorder.Body.Bytes())
	}
}

func TestStrangerIsToldWhoMay(t *testing.T) {
	t.Parallel()
	policy := Policy{Owner: 100, Group: &Group{"dz", 50}, View: &Group{"dz-view", 51}}
	ask := as(t, Peer{UID: 1000, GID: 60}, policy, func(uint32) ([]uint32, error) { return []uint32{60}, nil })
	status, told := ask("GET", "/api/v1/status")
	if status != http.StatusForbidden || told.Code != api.CodeForbidden {
		t.Errorf("got %d %+v", status, told)
	}
	for _, group := range []string{"dz", "dz-view"} {
		if !strings.Contains(told.Hint, "group "+group) {
			t.Errorf("the hint does not name group %s: %s", group, told.Hint)
		}
	}
}

func TestViewerSeesButDoesNotChange(t *testing.T) {
	t.Parallel()
	policy := Policy{Owner: 100, Group: &Group{"dz", 50}, View: &Group{"dz-view", 51}}
	ask := as(t, Peer{UID: 1000, GID: 60}, policy, func(uint32) ([]uint32, error) { return []uint32{60, 51}, nil })
	for _, target := range []string{"/api/v1/status", "/api/v1/endpoints", "/metrics", "/openapi.json", "/healthz"} {
		if status, told := ask("GET", target); status != http.StatusOK {
			t.Errorf("GET %s: %d %+v", target, status, told)
		}
	}
	for target, method := range map[string]string{
		"/api/v1/endpoints?reveal=true": "GET", "/api/v1/endpoints": "POST", "/api/v1/endpoints/shop": "DELETE",
		"/api/v1/events": "POST", "/api/v1/failures/purge": "POST",
	} {
		status, told := ask(method, target)
		if status != http.StatusForbidden || !strings.Contains(told.Hint, "group dz ") || strings.Contains(told.Hint, "dz-view") {
			t.Errorf("%s %s: got %d %+v, want to be sent to group dz", method, target, status, told)
		}
	}
}

func TestWithoutGroupsTheHintNamesTheSetting(t *testing.T) {
	t.Parallel()
	ask := as(t, Peer{UID: 1000, GID: 60}, Policy{Owner: 100}, func(uint32) ([]uint32, error) {
		t.Error("groups were looked up, and none are configured")
		return nil, nil
	})
	if status, told := ask("GET", "/api/v1/status"); status != http.StatusForbidden || !strings.Contains(told.Hint, "socket.group") {
		t.Errorf("got %d %+v", status, told)
	}
}

func TestUnknownGroupsDeny(t *testing.T) {
	t.Parallel()
	policy := Policy{Owner: 100, Group: &Group{"dz", 50}}
	ask := as(t, Peer{UID: 1000, GID: 60}, policy, func(uint32) ([]uint32, error) { return nil, errors.New("directory is down") })
	status, told := ask("GET", "/api/v1/status")
	if status != http.StatusForbidden || !strings.Contains(told.Message, "directory is down") {
		t.Errorf("got %d %+v", status, told)
	}
}

func TestRequestWithoutPeerIsDenied(t *testing.T) {
	t.Parallel()
	server := newServer(t, newFake(), Policy{})
	recorder := httptest.NewRecorder()
	server.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/v1/status", nil))
	if recorder.Code != http.StatusForbidden {
		t.Errorf("got %d %s", recorder.Code, recorder.Body)
	}
}

// The kernel's word, not the test's.
func TestPeerOfARealSocket(t *testing.T) {
	t.Parallel()
	me := Peer{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	server := run(t, newFake(), Policy{Owner: me.UID})
	if _, err := server.Status(t.Context()); err != nil {
		t.Errorf("the daemon's own user is refused: %v", err)
	}
	if me.UID == 0 {
		return // root is never refused
	}
	server = run(t, newFake(), Policy{Owner: stranger()})
	_, err := server.Status(t.Context())
	wantError(t, err, api.CodeForbidden)
	server = run(t, newFake(), Policy{Owner: stranger(), View: &Group{"mine", me.GID}})
	if _, err := server.Status(t.Context()); err != nil {
		t.Errorf("a viewer is refused: %v", err)
	}
}

func TestGroupsAreRememberedBriefly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lookups := map[uint32]int{}
		var fail error
		cache := newGroupCache(func(uid uint32) ([]uint32, error) {
			lookups[uid]++
			return []uint32{uid + 1}, fail
		})
		ask := func(uid uint32) error {
			groups, err := cache.groups(uid, time.Now())
			if err == nil && !cmp.Equal(groups, []uint32{uid + 1}) {
				t.Errorf("user %d: got groups %v", uid, groups)
			}
			return err
		}
		for range 3 {
			if err := ask(1); err != nil {
				t.Fatal(err)
			}
		}
		if lookups[1] != 1 {
			t.Errorf("%d lookups at once, want 1", lookups[1])
		}
		<-time.After(groupsAge)
		fail = errors.New("directory is down")
		if err := ask(1); err == nil {
			t.Error("groups were remembered for too long")
		}
		fail = nil
		if err := ask(1); err != nil {
			t.Errorf("a failure was remembered: %v", err)
		}
		for uid := range uint32(2 * maxGroupUsers) {
			if err := ask(uid); err != nil {
				t.Fatal(err)
			}
		}
		if len(cache.users) > maxGroupUsers {
			t.Errorf("%d users are remembered", len(cache.users))
		}
	})
}

func TestLookupGroup(t *testing.T) {
	t.Parallel()
	if group, err := LookupGroup(""); group != nil || err != nil {
		t.Errorf("no group: got %v, %v", group, err)
	}
	if group, err := LookupGroup("54321"); err != nil || group.GID != 54321 {
		t.Errorf("a number: got %v, %v", group, err)
	}
	if _, err := LookupGroup("no-such-group"); err == nil || !strings.Contains(err.Error(), "groupadd") {
		t.Errorf("an unknown group: got %v, want to be told how to make it", err)
	}
	if groups, err := lookupGroups(uint32(os.Geteuid())); err != nil || len(groups) == 0 {
		t.Errorf("my own groups: got %v, %v", groups, err)
	}
}
