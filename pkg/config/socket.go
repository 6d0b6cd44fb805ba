package config

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
)

// ClientSocket returns the socket on which a client reaches the daemon: that of
// the flag, else of the variables DZ_SOCKET_PATH or DZ_SOCKET, else the
// configuration file's socket.path, else the default, so that a client and a
// daemon with the same file and variables meet.
//
// Where only the default is left, a user whose own daemon is not there gets the
// system's if its socket is. Other keys of the file are not looked at: a client
// must not fail over what is the daemon's to complain of.
func ClientSocket(flag string, opts Options) (string, error) {
	path, err := clientSocket(flag, opts)
	if err != nil {
		return "", err
	}
	return path, checkSocketPath(path, runtime.GOOS)
}

func clientSocket(flag string, opts Options) (string, error) {
	if flag != "" {
		return flag, nil
	}
	env := opts.environment()
	variables, err := opts.variables(environment{
		variable(keySocketPath): env[variable(keySocketPath)],
		variableSocket:          env[variableSocket],
	})
	if err != nil {
		return "", err
	}
	if path, ok := variables.values[keySocketPath].(string); ok {
		return path, nil
	}
	path, err := opts.fileSocket(env)
	if path != "" || err != nil {
		return path, err
	}
	path = opts.defaultSocket(env)
	if path != systemSocket && (path == "" || !opts.Exists(path)) && opts.Exists(systemSocket) {
		return systemSocket, nil
	}
	if path == "" {
		return "", errNoSocket()
	}
	return path, nil
}

// fileSocket returns the socket.path of the configuration file, "" if there is
// no file or it doesn't say.
func (o Options) fileSocket(env environment) (string, error) {
	name, raw, err := o.find(env)
	if name == "" || err != nil {
		return "", err
	}
	file := newReading(origin{name: name, folder: filepath.Dir(name), home: o.Home})
	root, err := file.parse(raw)
	if err != nil {
		return "", err
	}
	value := root.child("socket").child("path")
	if value == nil || value.kind == isNothing {
		return "", nil
	}
	path, _ := file.scalar(setting{read: readPath}, keySocketPath, value)
	text, _ := path.(string)
	return text, errors.Join(file.errs...)
}

// child returns the value of a key without regard to case, nil without one.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if strings.EqualFold(e.name, name) {
			return e.value
		}
	}
	return nil
}
