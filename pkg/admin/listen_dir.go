package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// prepareDir makes the directory of the socket, or checks that nobody else may
// put files into one that is there.
//
// One that is closed to all but the daemon's user keeps the groups out, whatever
// the socket's mode. If it holds nothing but the socket, it is taken for one
// that was made when no groups were configured, and is opened like a new one;
// else, a home for example, opening it is left to a person.
func prepareDir(socket string, f fence) error {
	dir := filepath.Dir(socket)
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeDir(dir, f)
	}
	if err != nil {
		return fmt.Errorf("look at socket directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("socket directory %s is no directory: set socket.path to a path in one", dir)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("look at socket directory %s: its owner is unknown", dir)
	}
	own := int(stat.Uid) == os.Geteuid()
	if stat.Uid != 0 && !own {
		return fmt.Errorf("socket directory %s belongs to user %d, neither root nor the daemon's user %d: "+
			"set socket.path to a path in a directory of its own", dir, stat.Uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o022 != 0 {
		return openToOthers(dir, info.Mode())
	}
	if f.gid >= 0 && own && info.Mode().Perm() == 0o700 {
		return widenDir(socket, f)
	}
	return nil
}

// openToOthers says what to do about a directory that others may write. A sticky
// one, such as /tmp, is meant to be shared, and must stay so.
func openToOthers(dir string, mode fs.FileMode) error {
	cure := fmt.Sprintf("run 'chmod go-w %s' or set socket.path to a path in a directory of its own", dir)
	if mode&fs.ModeSticky != 0 {
		cure = "set socket.path to a path in a directory of its own, such as " + filepath.Join(dir, "dz", "dz.sock")
	}
	return fmt.Errorf("socket directory %s can be written by others (mode %04o): %s", dir, mode.Perm(), cure)
}

func makeDir(dir string, f fence) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make socket directory: %w: make it for the daemon's user or set socket.path", err)
	}
	return openDir(dir, f)
}

// widenDir opens a directory that was closed to all, if nothing else is in it.
func widenDir(socket string, f fence) error {
	dir := filepath.Dir(socket)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into socket directory: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(socket) {
			return fmt.Errorf("socket directory %s is closed to the groups of the socket (mode 0700) and holds more than the socket: "+
				"run 'chgrp %d %s && chmod %04o %s' or set socket.path to a path in a directory of its own",
				dir, f.gid, dir, f.dir, dir)
		}
	}
	return openDir(dir, f)
}

// openDir lets in whom the fence allows.
func openDir(dir string, f fence) error {
	if f.gid >= 0 {
		if err := os.Chown(dir, -1, f.gid); err != nil {
			return fmt.Errorf("give socket directory to the group: %w: make the daemon's user a member", err)
		}
	}
	if err := os.Chmod(dir, f.dir); err != nil {
		return fmt.Errorf("open socket directory: %w", err)
	}
	return nil
}
