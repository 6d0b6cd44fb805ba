package admin

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

// alone lets in nobody but the user who runs the test.
func alone() Policy { return Policy{Owner: uint32(os.Geteuid())} }

func listen(t *testing.T, path string, policy Policy) net.Listener {
	t.Helper()
	listener, err := Listen(t.Context(), path, policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != want {
		t.Errorf("%s has mode %s, want %s", path, got, want)
	}
}

func TestListenClosesDirectoryAndSocketToOthers(t *testing.T) {
	t.Parallel()
	group := &Group{"mine", uint32(os.Getegid())}
	other := &Group{"other", group.GID + 1}
	tests := []struct {
		name   string
		policy Policy
		dir    fs.FileMode
		socket fs.FileMode
	}{
		{"no groups", alone(), 0o700, 0o600},
		{"writers", Policy{Group: group}, 0o750, 0o660},
		{"viewers", Policy{View: group}, 0o750, 0o660},
		{"one group for both", Policy{Group: group, View: group}, 0o750, 0o660},
		{"two groups", Policy{Group: group, View: other}, 0o711, 0o666},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(socketDir(t), "a", "run")
			path := filepath.Join(dir, "dz.sock")
			listen(t, path, tt.policy)
			wantMode(t, dir, fs.ModeDir|tt.dir)
			wantMode(t, path, fs.ModeSocket|tt.socket)
			if tt.policy.Group == nil && tt.policy.View == nil {
				return
			}
			for _, made := range []string{dir, path} {
				info, err := os.Lstat(made)
				if err != nil {
					t.Fatal(err)
				}
				if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Gid != group.GID {
					t.Errorf("%s does not belong to the group", made)
				}
			}
		})
	}
}

func TestListenRemovesItsSocketOnClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "dz.sock")
	listener := listen(t, path, alone())
	for range 2 {
		if err := listener.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestClosingLeavesWhatTookTheSocketsPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "dz.sock")
	listener := listen(t, path, alone())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "another's" {
		t.Errorf("another's file is gone: %q, %v", text, err)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "dz.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as after kill -9
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	listener := listen(t, path, alone())
	accepted := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = conn.Close()
		}
		accepted <- err
	}()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := <-accepted; err != nil {
		t.Error(err)
	}
}

func TestListenLeavesALiveSocketAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "dz.sock")
	listen(t, path, alone())
	_, err := Listen(t.Context(), path, alone())
	wantError(t, err, api.CodeConflict, path, "socket.path")
	if _, err := net.Dial("unix", path); err != nil {
		t.Errorf("the other daemon is no longer reachable: %v", err)
	}
}

func TestListenRemovesNothingButSockets(t *testing.T) {
	t.Parallel()
	target := filepath.Join(socketDir(t), "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]func(path string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink(target, path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	}
	for kind, place := range kinds {
		path := filepath.Join(socketDir(t), "dz.sock")
		if err := place(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(t.Context(), path, alone()); err == nil || !strings.Contains(err.Error(), "no socket") {
			t.Errorf("%s: got %v", kind, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: it is gone: %v", kind, err)
		}
	}
}

func TestListenRefusesADirectoryThatOthersMayWrite(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o770, 0o707} {
		dir := socketDir(t)
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Listen(t.Context(), filepath.Join(dir, "dz.sock"), alone())
		if err == nil || !strings.Contains(err.Error(), "chmod go-w "+dir) {
			t.Errorf("%s: got %v, want the cure", mode, err)
		}
	}
}

// A shared directory such as /tmp must stay one that all may write.
func TestListenAsksForAnotherPathInASharedDirectory(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(t.Context(), filepath.Join(dir, "dz.sock"), alone())
	if err == nil || !strings.Contains(err.Error(), "set socket.path to a path in a directory of its own, such as "+dir) {
		t.Fatalf("got %v, want another path", err)
	}
	if strings.Contains(err.Error(), "chmod") {
		t.Errorf("got %v, which would break the directory for all others", err)
	}
}

func TestListenOpensItsDirectoryOnceThereAreGroups(t *testing.T) {
	t.Parallel()
	group := &Group{"mine", uint32(os.Getegid())}
	other := &Group{"other", group.GID + 1}
	for _, tt := range []struct {
		policy Policy
		want   fs.FileMode
	}{
		{Policy{Group: group}, 0o750},
		{Policy{View: group}, 0o750},
		{Policy{Group: group, View: other}, 0o711},
	} {
		dir := filepath.Join(socketDir(t), "run")
		path := filepath.Join(dir, "dz.sock")
		left := listen(t, path, alone())
		wantMode(t, dir, fs.ModeDir|0o700)
		if err := left.Close(); err != nil {
			t.Fatal(err)
		}
		// What a killed daemon left does not count.
		killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		killed.SetUnlinkOnClose(false)
		if err := killed.Close(); err != nil {
			t.Fatal(err)
		}
		listen(t, path, tt.policy)
		wantMode(t, dir, fs.ModeDir|tt.want)
	}
}

func TestListenOpensNoDirectoryThatHoldsMore(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	if err := os.WriteFile(filepath.Join(dir, "letter"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	policy := Policy{Group: &Group{"mine", uint32(os.Getegid())}}
	_, err := Listen(t.Context(), filepath.Join(dir, "dz.sock"), policy)
	if err == nil || !strings.Contains(err.Error(), "chmod 0750 "+dir) {
		t.Errorf("got %v, want the cure", err)
	}
	wantMode(t, dir, fs.ModeDir|0o700)
	// What a person opened a little stays as it is.
	if err := os.Chmod(dir, 0o710); err != nil {
		t.Fatal(err)
	}
	listen(t, filepath.Join(dir, "dz.sock"), policy)
	wantMode(t, dir, fs.ModeDir|0o710)
}

func TestListenRefusesAnothersDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may give a directory away")
	}
	dir := socketDir(t)
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(t.Context(), filepath.Join(dir, "dz.sock"), alone())
	if err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("got %v", err)
	}
}

func TestListenNeedsADirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(socketDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(file, "dz.sock"), filepath.Join(file, "run", "dz.sock")} {
		if _, err := Listen(t.Context(), path, alone()); err == nil {
			t.Errorf("%s: a socket in a file", path)
		}
	}
}

func TestListenInAReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	parent := socketDir(t)
	if err := os.Chmod(parent, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(parent, "run", "dz.sock"), filepath.Join(parent, "dz.sock")} {
		if _, err := Listen(t.Context(), path, alone()); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestListenRefusesATooLongPath(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	fits := filepath.Join(dir, strings.Repeat("x", api.MaxSocketPath-len(dir)-1))
	listen(t, fits, alone())
	_, err := Listen(t.Context(), fits+"x", alone())
	wantError(t, err, api.CodeInvalid, strconv.Itoa(api.MaxSocketPath+1), strconv.Itoa(api.MaxSocketPath), "socket.path")
}
