package seal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxFile bounds a key file in bytes: what is longer is some other file.
const maxFile = 4 << 10

// Permissions of a file that keep a key in it from being one: others may not
// read it, and the group may not change it. That a group may read it is how
// service managers and containers hand over credentials.
const tooOpen fs.FileMode = 0o027

// ErrNoFile says that there is no key file.
var ErrNoFile = errors.New("there is no such file")

// Load reads the key in a file. ErrNoFile without the file; every error names
// it, and what to do.
func Load(path string) (*Key, error) {
	key, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

func load(path string) (*Key, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNoFile
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: let the daemon's user read it", fs.ErrPermission)
	case err != nil:
		return nil, reasonOf(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, reasonOf(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file")
	}
	if mode := info.Mode().Perm(); mode&tooOpen != 0 {
		return nil, fmt.Errorf("others may read or change it (mode %04o): 'chmod 600 %s'; if others did read it, rotate the secrets of the endpoints",
			mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, reasonOf(err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("it is longer than %d bytes", maxFile)
	}
	key, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w; put the key back that it held, or, for a store that is new, make one with 'openssl rand -base64 %d'", err, KeySize)
	}
	return key, nil
}

// IsKeyFile reports whether there is a key in a file, whoever may read it.
func IsKeyFile(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil || len(text) > maxFile {
		return false
	}
	_, err = Parse(string(text))
	return err == nil
}

// reasonOf leaves out the path, which is named already.
func reasonOf(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// write makes a key file. It is whole and durable under its name, or not there.
// fs.ErrExist if there is one.
func (k *Key) write(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.WriteString(base64.StdEncoding.EncodeToString(k.raw) + "\n")
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	// Link, unlike rename, does not replace what was made in the meantime.
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// File seals with the key in a file. Where it may, it makes the file when a key
// is first needed, and not before: beside something that was sealed with a key
// that is lost, a new one would only hide that. It is safe for use by many
// goroutines.
type File struct {
	path string

	mu  sync.Mutex
	key *Key // nil until it is made
}

// OpenFile reads the key in a file. Without the file, it is made later if
// mayMake is set, and an error otherwise.
func OpenFile(path string, mayMake bool) (*File, error) {
	key, err := Load(path)
	switch {
	case err == nil:
	case errors.Is(err, ErrNoFile) && mayMake:
	case errors.Is(err, ErrNoFile):
		return nil, fmt.Errorf("%w: put the key there, or, for a store that is new, make one with 'openssl rand -base64 %d'", err, KeySize)
	default:
		return nil, err
	}
	return &File{path: path, key: key}, nil
}

// Ensure makes the key and its file if there are none, and reports whether it
// did.
func (f *File) Ensure() (made bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ensure()
}

func (f *File) ensure() (made bool, err error) {
	if f.key != nil {
		return false, nil
	}
	key, err := Make()
	if err == nil {
		err = key.write(f.path)
	}
	switch {
	case err == nil:
		f.key = key
		return true, nil
	case errors.Is(err, fs.ErrExist): // somebody was faster
		f.key, err = Load(f.path)
		return false, err
	default:
		return false, fmt.Errorf("make key file %s: %w", f.path, reasonOf(err))
	}
}

// ID is that of the key; "" before it is made.
func (f *File) ID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.key == nil {
		return ""
	}
	return f.key.ID()
}

// Seal is Key.Seal; it makes the key if there is none.
func (f *File) Seal(plain, about []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.ensure(); err != nil {
		return nil, err
	}
	return f.key.Seal(plain, about)
}

// Open is Key.Open. *WrongKeyError names the file.
func (f *File) Open(sealed, about []byte) ([]byte, error) {
	f.mu.Lock()
	key := f.key
	f.mu.Unlock()
	if key == nil {
		id, err := KeyOf(sealed)
		if err != nil {
			return nil, err
		}
		return nil, &WrongKeyError{Sealed: id, File: f.path}
	}
	plain, err := key.Open(sealed, about)
	var wrong *WrongKeyError
	if errors.As(err, &wrong) {
		wrong.File = f.path
	}
	return plain, err
}
