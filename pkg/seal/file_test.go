package seal

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func writeKey(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dz.key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func TestAKeyFileIsMadeForItsOwnerWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "dz.db.key")
	file, err := OpenFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || file.ID() != "" {
		t.Errorf("it is there before: %v, key %q", err, file.ID())
	}
	sealed, err := file.Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if made, err := file.Ensure(); made || err != nil {
		t.Errorf("made again: %t, %v", made, err)
	}
	again, err := OpenFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := again.Open(sealed, nil); err != nil || string(opened) != "hunter2" || again.ID() != file.ID() {
		t.Errorf("read again, it opens as %q, %v", opened, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWhoMakesTheSameKeyFileGetsTheSameKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.key")
	files := make([]*File, 8)
	for i := range files {
		var err error
		if files[i], err = OpenFile(path, true); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Go(func() {
			if _, err := file.Ensure(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, file := range files {
		if file.ID() != files[0].ID() {
			t.Errorf("keys %s and %s", file.ID(), files[0].ID())
		}
	}
}

func TestALostKeyFileIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.key")
	sealed, err := makeKey(t).Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := OpenFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	id, err := KeyOf(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(sealed, nil); err == nil || err.Error() != "secrets are sealed with key "+id+", and there is no key file "+path {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file is there: %v", err)
	}
}

func TestKeyFilesThatCanNotBeUsed(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("hunter2!", 4)))
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want []string // "" for none
	}{
		"for its owner":        {good, 0o600, nil},
		"only to be read":      {good, 0o400, nil},
		"as a credential":      {good, 0o440, nil},
		"others may read it":   {good, 0o644, []string{"others may read or change it (mode 0644): 'chmod 600 "}},
		"others may write it":  {good, 0o602, []string{"(mode 0602)"}},
		"its group may write":  {good, 0o660, []string{"(mode 0660)"}},
		"empty":                {"", 0o600, []string{"it is empty", "openssl rand -base64 32"}},
		"of a wrong length":    {good[:20], 0o600, []string{"it holds 15 bytes: a key has 32"}},
		"something else":       {"-----BEGIN PRIVATE KEY-----", 0o600, []string{"it is neither base64 nor hexadecimal"}},
		"a file of some other": {strings.Repeat("A", maxFile+1), 0o600, []string{"it is longer than 4096 bytes"}},
	} {
		path := writeKey(t, c.text, c.mode)
		_, err := OpenFile(path, true)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range append(c.want, "key file "+path) {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if err != nil && len(c.text) > 10 && strings.Contains(err.Error(), c.text[:10]) {
			t.Errorf("%s: the error repeats the key: %v", name, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "no.key")
	if _, err := OpenFile(missing, false); !errors.Is(err, ErrNoFile) || !strings.Contains(err.Error(), missing) {
		t.Errorf("a file that must be there: %v", err)
	}
	if _, err := OpenFile(t.TempDir(), true); err == nil || !strings.Contains(err.Error(), "it is no file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestTheWrongKeyFileIsNamedWithBothKeys(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	sealed, err := key.Seal([]byte("hunter2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := writeKey(t, base64.StdEncoding.EncodeToString(makeKey(t).raw), 0o600)
	file, err := OpenFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	want := "secrets are sealed with key " + key.ID() + ", and key file " + path + " holds key " + file.ID()
	if _, err := file.Open(sealed, nil); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
