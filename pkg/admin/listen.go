package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dam-delivery/dz/pkg/api"
)

// staleTimeout bounds the look whether somebody still listens at a socket.
const staleTimeout = time.Second

// Listen makes the Unix socket at path for those whom the policy lets in, and
// the directory it lies in if that is missing. Closing the listener removes the
// socket.
//
// The caller holds the lock of the store, so a socket found at path was left
// behind by a daemon that was killed, and is replaced; one that still answers
// belongs to a daemon of another store, and any other kind of file to somebody
// else: they are left alone, with an error.
//
// The modes of files are the first fence and the policy, checked at every
// request, the second. Without groups the directory is 0700 and the socket 0600.
// With one group both are open to it (0750, 0660). A socket has but one group,
// so with two different ones the first fence is left open (0711, 0666). A
// directory that is there keeps its mode, unless it is one that Listen made
// before groups were configured: see prepareDir.
func Listen(ctx context.Context, path string, policy Policy) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("socket path: %w", err)
	}
	if err := api.CheckSocketPath(path); err != nil {
		return nil, err
	}
	fence := fenceOf(policy)
	if err := prepareDir(path, fence); err != nil {
		return nil, err
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	return bind(ctx, path, fence)
}

// fence is the modes and the group of directory and socket.
type fence struct {
	dir    fs.FileMode
	socket fs.FileMode
	gid    int // -1 leaves the group as it is
}

func fenceOf(p Policy) fence {
	switch {
	case p.Group == nil && p.View == nil:
		return fence{dir: 0o700, socket: 0o600, gid: -1}
	case p.View == nil || (p.Group != nil && p.Group.GID == p.View.GID):
		return fence{dir: 0o750, socket: 0o660, gid: int(p.Group.GID)}
	case p.Group == nil:
		return fence{dir: 0o750, socket: 0o660, gid: int(p.View.GID)}
	default:
		return fence{dir: 0o711, socket: 0o666, gid: int(p.Group.GID)}
	}
}

// removeStale removes a socket that nobody listens at any more.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket: move it away or set socket.path", path)
	}
	dialer := net.Dialer{Timeout: staleTimeout}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close() // nothing was said on it
		return &api.Error{
			Code:    api.CodeConflict,
			Message: "another daemon, with another store, listens at " + path,
			Hint:    "stop it or set socket.path",
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove stale socket: %w", err)
	}
	return nil
}

// bind makes the socket. It is never open to more than the fence allows: where
// the kernel takes the mode from the socket before it is bound (Linux) it is
// born closed; elsewhere the directory shields it until it is.
func bind(ctx context.Context, path string, f fence) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = unix.Fchmod(int(fd), 0o600) // refused on macOS, see above
		})
	}}
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("make socket: %w", err)
	}
	unixListener, ok := listener.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("make socket: %T is no Unix listener", listener), listener.Close())
	}
	unixListener.SetUnlinkOnClose(false)
	l := &socketListener{UnixListener: unixListener, path: path}
	if l.made, err = os.Lstat(path); err == nil {
		err = open(path, f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), l.Close())
	}
	return l, nil
}

// open lets in whom the fence allows.
func open(path string, f fence) error {
	if f.gid >= 0 {
		if err := os.Chown(path, -1, f.gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, f.socket)
}

// socketListener removes its socket when it is closed, unless another has taken
// its place.
type socketListener struct {
	*net.UnixListener
	path string
	made fs.FileInfo

	once sync.Once
	err  error
}

// Close is safe to call more than once.
func (l *socketListener) Close() error {
	l.once.Do(func() {
		now, err := os.Lstat(l.path)
		if err == nil && os.SameFile(now, l.made) {
			err = os.Remove(l.path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		l.err = errors.Join(err, l.UnixListener.Close())
	})
	return l.err
}
