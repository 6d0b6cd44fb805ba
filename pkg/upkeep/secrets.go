package upkeep

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/seal"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// CheckKeyFile reports what is wrong with the key file that a daemon would seal
// with. That it is not there is no error if the daemon may make it.
func CheckKeyFile(path string, mayMake bool) error {
	_, err := seal.OpenFile(path, mayMake)
	if errors.Is(err, fs.ErrPermission) {
		return &api.Error{Code: api.CodeForbidden, Message: err.Error()}
	}
	return err
}

// Secrets says what the secrets in the store at path are sealed with, and whether
// the key in keyFile opens them all, as any does where there are none; "" tries none.
func Secrets(path, keyFile string) (api.StoreSecrets, error) {
	list, err := bolt.ReadSealed(path)
	if err != nil {
		return api.StoreSecrets{}, explain(err, "stop it first, or look at a backup")
	}
	found := api.StoreSecrets{Endpoints: len(list), Keys: []string{}, KeyFile: keyFile}
	for _, s := range list {
		// What is broken has no key; it does not open below.
		if id, err := seal.KeyOf(s.Sealed); err == nil && !slices.Contains(found.Keys, id) {
			found.Keys = append(found.Keys, id)
		}
	}
	found.Opens = len(list) == 0
	if found.Opens || keyFile == "" {
		return found, nil
	}
	if err := openAll(list, keyFile); err != nil {
		found.Problem = err.Error()
	}
	found.Opens = found.Problem == ""
	return found, nil
}

// openAll reports what the key in a file does not open.
func openAll(list []bolt.Sealed, keyFile string) error {
	key, err := seal.OpenFile(keyFile, true)
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, err := key.Open(s.Sealed, s.About); err != nil {
			return fmt.Errorf("endpoint %s: %w", s.Endpoint, err)
		}
	}
	return nil
}
