package upkeep

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/seal"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// open opens a store that holds an endpoint and an event.
func open(t *testing.T, path string) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{KeepEvents: time.Hour, MaxEventBytes: 1 << 20, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	added, err := db.AddEndpoint(t.Context(), endpoint.Endpoint{Name: "shop", Style: "notify", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Ingest(t.Context(), store.Ingest{
		Source: "spool", Now: noon, Revision: added.Revision, Events: []event.Event{{ID: "1", Raw: []byte("{}")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func write(t *testing.T, db *bolt.DB) func(io.Writer) error {
	t.Helper()
	return func(w io.Writer) error { return db.Backup(t.Context(), w) }
}

func wantCode(t *testing.T, err error, code api.Code) {
	t.Helper()
	var told *api.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Errorf("error %v, want one of code %s", err, code)
	}
}

func TestABackupIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, filepath.Join(t.TempDir(), "dz.db"))
	name := filepath.Join(dir, "dz.backup")
	var whole bytes.Buffer
	if err := db.Backup(t.Context(), &whole); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the daemon has gone")
	for what, fill := range map[string]func(io.Writer) error{
		"broken off": func(w io.Writer) error {
			_, err := w.Write(whole.Bytes()[:8192])
			return errors.Join(err, gone)
		},
		"cut off": func(w io.Writer) error {
			_, err := w.Write(whole.Bytes()[:whole.Len()-4096])
			return err
		},
		"nothing":   func(io.Writer) error { return nil },
		"something": func(w io.Writer) error { _, err := w.Write([]byte("<html>")); return err },
	} {
		if _, err := WriteBackup(t.Context(), Target{Name: name}, fill); err == nil {
			t.Errorf("a backup that is %s is no error", what)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("a backup that is %s leaves %v, %v", what, left, err)
		}
	}
	backup, err := WriteBackup(t.Context(), Target{Name: name}, write(t, db))
	if err != nil {
		t.Fatal(err)
	}
	want := api.StoreBackup{
		File: name, Size: int64(whole.Len()), Format: bolt.Format, StoreContents: api.StoreContents{Endpoints: 1, Events: 1},
	}
	if diff := cmp.Diff(want, backup); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestABackupReplacesNothingUnasked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, filepath.Join(t.TempDir(), "dz.db"))
	name := filepath.Join(dir, "dz.backup")
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := WriteBackup(t.Context(), Target{Name: name}, write(t, db))
	wantCode(t, err, api.CodeConflict)

	// Nor what is made while it is being written.
	late := filepath.Join(dir, "late.backup")
	_, err = WriteBackup(t.Context(), Target{Name: late}, func(w io.Writer) error {
		return errors.Join(os.WriteFile(late, []byte("mine"), 0o600), db.Backup(t.Context(), w))
	})
	wantCode(t, err, api.CodeConflict)
	for _, name := range []string{name, late} {
		if text, err := os.ReadFile(name); err != nil || string(text) != "mine" {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
	if _, err := WriteBackup(t.Context(), Target{Name: name, Force: true}, write(t, db)); err != nil {
		t.Error(err)
	}
	if check, err := Check(t.Context(), name, ""); err != nil || !check.Sound {
		t.Errorf("%+v, %v", check, err)
	}
	_, err = WriteBackup(t.Context(), Target{Name: dir, Force: true}, write(t, db))
	wantCode(t, err, api.CodeInvalid)
	_, err = WriteBackup(t.Context(), Target{Name: filepath.Join(dir, "none", "x")}, write(t, db))
	wantCode(t, err, api.CodeNotFound)
}

// What is lost with the file is not replaced, even by force, and by no other name
// of it: neither a store in use nor the key, without which no backup opens.
func TestABackupNeverReplacesAStoreOrAKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	used, idle, key := filepath.Join(dir, "dz.db"), filepath.Join(dir, "idle.db"), filepath.Join(dir, "dz.db.key")
	db := open(t, used)
	if _, err := WriteBackup(t.Context(), Target{Name: idle}, write(t, db)); err != nil {
		t.Fatal(err)
	}
	file, err := seal.OpenFile(key, true)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := file.Ensure(); err != nil || !made {
		t.Fatalf("a key is made: %v, %v", made, err)
	}
	for _, name := range []string{used, idle, key} {
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		symbolic, hard := name+".symbolic", name+".hard"
		if err := errors.Join(os.Symlink(name, symbolic), os.Link(name, hard)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{name, symbolic, hard} {
			_, err := WriteBackup(t.Context(), Target{Name: path, Force: true, Spare: []string{idle}}, func(io.Writer) error {
				t.Errorf("the daemon is asked for a backup in the place of %s", path)
				return nil
			})
			wantCode(t, err, api.CodeInvalid)
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
				t.Errorf("%s has changed, %v", path, err)
			}
		}
	}

	// Nor a store that is made while the backup is being written.
	late := filepath.Join(dir, "late.db")
	_, err = WriteBackup(t.Context(), Target{Name: late, Force: true}, func(w io.Writer) error {
		open(t, late)
		return db.Backup(t.Context(), w)
	})
	wantCode(t, err, api.CodeInvalid)
}

func TestWhatIsInUseIsAConflictAndWhatIsMissingIsNotFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	db := open(t, path)
	backup := filepath.Join(t.TempDir(), "dz.backup")
	if _, err := WriteBackup(t.Context(), Target{Name: backup}, write(t, db)); err != nil {
		t.Fatal(err)
	}
	all := func(path, backup string) map[string]error {
		errs := make(map[string]error)
		_, errs["check"] = Check(t.Context(), path, "")
		_, errs["stats"] = Stats(t.Context(), path)
		_, errs["compact"] = Compact(t.Context(), path)
		_, errs["restore"] = Restore(t.Context(), backup, path, noon)
		return errs
	}
	for what, err := range all(path, backup) {
		t.Log(what)
		wantCode(t, err, api.CodeConflict)
	}
	missing := filepath.Join(t.TempDir(), "none")
	for what, err := range all(missing, missing) {
		t.Log(what, "of nothing")
		wantCode(t, err, api.CodeNotFound)
	}
	_, err := Restore(t.Context(), backup, backup, noon)
	wantCode(t, err, api.CodeInvalid)
}

func TestWhereThereAreNoSecretsEveryKeyOpensThem(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for _, keyFile := range []string{"", path + ".key"} {
		if got, err := Secrets(path, keyFile); err != nil || !got.Opens || got.Problem != "" {
			t.Errorf("with key file %q: %+v, %v", keyFile, got, err)
		}
	}
}

func TestTheBucketsOfAStoreAreInOneOrderInUseOrNot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	db := open(t, path)
	found, err := db.Inspect(t.Context())
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	closed, err := Stats(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Describe(found).Buckets, closed.Buckets); diff != "" {
		t.Errorf("-in use +closed:\n%s", diff)
	}
}

func TestEveryPartOfAStoreIsNamedInWords(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "dz.db"))
	found, err := db.Inspect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	stats := Describe(found)
	if len(stats.Buckets) < 12 || stats.OldestEvent == nil || !stats.OldestEvent.Equal(noon) {
		t.Errorf("%+v", stats)
	}
	for _, b := range stats.Buckets {
		if b.Holds == "" {
			t.Errorf("nobody knows what bucket %s is for", b.Name)
		}
	}
}

func TestKeysAreShownToPeople(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"":                                     "",
		"shop":                                 "shop",
		"\x00\x00\x00\x02asset/1":              "2/asset/1",
		"\x00\x01\x00\x02asset/1":              "65538/asset/1",
		"asset/1\x00\x00\x00\x02":              "asset/1",
		"\x00\x00\x00\x02":                     "0x00000002",
		"\x00\x00\x00\x02\x0116":               "0x00000002013136",
		"spool\x000":                           "0x73706f6f6c0030",
		"\x1b[2J":                              "0x1b5b324a",
		string(bytes.Repeat([]byte{255}, 100)): "0x" + string(bytes.Repeat([]byte("ff"), 64)),
	} {
		if got := showKey([]byte(key)); got != want {
			t.Errorf("%q is shown as %q, want %q", key, got, want)
		}
	}
}
