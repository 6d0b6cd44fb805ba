package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// searchSecrets looks for the secrets that dz was given in all that it has written:
// its log, its stores and its backups.
func (r *rig) searchSecrets() error {
	if len(r.secrets) == 0 {
		return nil
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // it was only read
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(filepath.Join(r.dir, path), r.spool.path) {
			return err
		}
		text, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		r.findSecrets(text, "the file "+entry.Name())
		return nil
	})
}

// findSecrets says so if there is a secret in what dz has written to a place.
func (r *rig) findSecrets(text []byte, place string) {
	for _, secret := range r.secrets {
		if bytes.Contains(text, []byte(secret)) {
			r.fault("a secret is found in %s", place)
		}
	}
}
