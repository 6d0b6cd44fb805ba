package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func TestBareStoreHoldsEachKeyOnce(t *testing.T) {
	t.Parallel()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "bare.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := records{puts: 300, keys: 100, size: 50}
	for from := 0; from < r.puts; from += 60 {
		if err := db.Update(func(tx *bbolt.Tx) error { return r.put(tx, from, from+60) }); err != nil {
			t.Fatal(err)
		}
	}
	err = db.View(func(tx *bbolt.Tx) error {
		n := 0
		err := tx.Bucket([]byte("bare")).ForEach(func(_, v []byte) error {
			n++
			if len(v) != r.size {
				t.Errorf("a value of %d bytes, want %d", len(v), r.size)
			}
			return nil
		})
		if n != r.keys {
			t.Errorf("%d keys, want %d", n, r.keys)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBareStoreLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rate, err := putBare(dir, records{puts: batchLines + 1, keys: batchLines + 1, size: 50})
	if err != nil || rate <= 0 {
		t.Errorf("%v a second, %v", rate, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
