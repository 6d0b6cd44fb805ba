package config

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// host is a machine for tests: its files by path, and who runs dz there.
type host struct {
	files   map[string]string
	env     []string
	uid     int
	home    string
	file    string
	socket  string
	present []string // paths at which something is, beside the files
}

// user is an ordinary account without any variable set.
func user() host { return host{uid: 1000, home: "/home/ada", files: map[string]string{}} }

func root() host { return host{home: "/root", files: map[string]string{}} }

// with returns the host with one configuration file, given by --config.
func (h host) with(name, content string) host {
	h.files = map[string]string{name: content}
	h.file = name
	return h
}

func (h host) options() Options {
	return Options{
		File: h.file, Socket: h.socket, Env: h.env, UID: h.uid, Home: h.home,
		ReadFile: func(name string) ([]byte, error) {
			content, ok := h.files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			if content == "unreadable" {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
			}
			return []byte(content), nil
		},
		Exists: func(name string) bool { return slices.Contains(h.present, name) },
	}
}

func (h host) load(t *testing.T) Config {
	t.Helper()
	c, err := Load(h.options())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// failure returns the error of Load, which must fail.
func (h host) failure(t *testing.T) string {
	t.Helper()
	c, err := Load(h.options())
	if err == nil {
		t.Fatalf("Load succeeded with %+v", c)
	}
	return err.Error()
}

// text is lines without the indent of the test.
func text(lines ...string) string { return strings.Join(lines, "\n") }
