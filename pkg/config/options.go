package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Where a daemon that runs as root, or as a system's service, keeps its things.
const (
	SystemFile   = "/etc/dz/dz.yaml"
	systemStore  = "/var/lib/dz/dz.db"
	systemSocket = "/run/dz/dz.sock"
)

// maxFileLength bounds a configuration file in bytes: what is longer is some
// other file.
const maxFileLength = 1 << 20

// Options is all that Load and ClientSocket depend on.
type Options struct {
	File   string // of --config; "" looks in the usual places
	Socket string // of --socket; goes before every other socket.path

	Env  []string // "NAME=value", as os.Environ has them
	UID  int      // 0 is root
	Home string   // "" if there is none

	// ReadFile returns a file's content, or an error that wraps
	// fs.ErrNotExist if there is no such file.
	ReadFile func(name string) ([]byte, error)
	// Exists reports whether something is at a path.
	Exists func(name string) bool

	// SourceTypes are the types a source may have; nil is "file" alone.
	SourceTypes []string
}

// Process returns the options of the running process, without flags.
func Process() Options {
	return Options{
		Env:      os.Environ(),
		UID:      os.Geteuid(),
		Home:     os.Getenv("HOME"),
		ReadFile: readFile,
		Exists: func(name string) bool {
			_, err := os.Stat(name)
			return err == nil
		},
	}
}

// readFile reads one byte more than may be, so that too long a file shows.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxFileLength+1))
	return raw, errors.Join(err, file.Close())
}

// environment is the variables by name. An empty variable counts as unset, as
// the shells' ${NAME:-default} has it.
type environment map[string]string

func (o Options) environment() environment {
	env := make(environment, len(o.Env))
	for _, pair := range o.Env {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

// find returns the configuration file and its content, "" if there is none. A
// file that was asked for must be there; one that can't be read is an error
// wherever it was found.
func (o Options) find(env environment) (name string, raw []byte, err error) {
	asked, by := o.File, "--config"
	if asked == "" {
		asked, by = env["DZ_CONFIG"], "DZ_CONFIG"
	}
	if asked != "" {
		raw, err := o.read(asked)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("configuration file %s does not exist: create it, or leave out %s", asked, by)
		}
		return asked, raw, err
	}
	var usual []string
	if o.UID == 0 {
		usual = append(usual, SystemFile)
	}
	if folder := o.folder(env, "XDG_CONFIG_HOME", ".config"); folder != "" {
		usual = append(usual, filepath.Join(folder, "dz", "dz.yaml"))
	}
	for _, name := range usual {
		raw, err := o.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return name, raw, err
	}
	return "", nil, nil
}

func (o Options) read(name string) ([]byte, error) {
	raw, err := o.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(raw) > maxFileLength {
		return nil, fmt.Errorf("read configuration: %s is longer than %s", name, Size(maxFileLength))
	}
	return raw, nil
}

// folder returns an XDG base directory, or "" if it can't be told
// (https://specifications.freedesktop.org/basedir-spec/latest/: a relative
// value is ignored). With underHome "" it has no default.
func (o Options) folder(env environment, variable, underHome string) string {
	if folder := env[variable]; filepath.IsAbs(folder) {
		return folder
	}
	if o.Home == "" || underHome == "" {
		return ""
	}
	return filepath.Join(o.Home, underHome)
}

// defaultStore returns where the store lies if nothing says so, "" if that
// can't be told.
func (o Options) defaultStore(env environment) string {
	if o.UID == 0 {
		return systemStore
	}
	if state := o.folder(env, "XDG_STATE_HOME", ".local/state"); state != "" {
		return filepath.Join(state, "dz", "dz.db")
	}
	return ""
}

// defaultSocket returns where the socket lies if nothing says so, "" if that
// can't be told.
func (o Options) defaultSocket(env environment) string {
	if o.UID == 0 {
		return systemSocket
	}
	folder := o.folder(env, "XDG_RUNTIME_DIR", "")
	if folder == "" {
		folder = o.folder(env, "XDG_STATE_HOME", ".local/state")
	}
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, "dz", "dz.sock")
}
