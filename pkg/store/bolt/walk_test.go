package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// swapped is a bucket of the keys a to d, in which the first byte of the last is
// replaced in the file.
func swapped(t *testing.T, with byte) *bbolt.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	b, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket([]byte("bucket"))
		if err != nil {
			return err
		}
		for _, k := range []string{"akey", "bkey", "ckey", "dkey"} {
			// Too large to be part of the page above.
			if err := bucket.Put([]byte(k), make([]byte, 1000)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte("dkey"), append([]byte{with}, "key"...))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err = bbolt.Open(path, 0o600, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestAWalkThatIsLedBackwardsEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		with byte
		want []string
		err  error
	}{
		{'d', []string{"akey", "bkey", "ckey", "dkey"}, nil},
		{'a', []string{"akey", "bkey", "ckey"}, store.ErrDamaged},
		{'b', []string{"akey", "bkey", "ckey"}, store.ErrDamaged},
	} {
		b := swapped(t, c.with)
		walk := walker{page: 1}
		var visited []string
		var err error
		for pages := 0; !walk.finished; pages++ {
			if pages > 10 {
				t.Fatalf("with %q for d the walk goes on: %q", c.with, visited)
			}
			err = b.View(func(tx *bbolt.Tx) error {
				return walk.entries(tx.Bucket([]byte("bucket")), func(k, _ []byte) (bool, error) {
					visited = append(visited, string(k))
					return true, nil
				})
			})
		}
		if !errors.Is(err, c.err) || !slices.Equal(visited, c.want) {
			t.Errorf("with %q for d: %q, %v; want %q, %v", c.with, visited, err, c.want, c.err)
		}
	}
}

// A follower finds what a finder finds, whatever it is asked for.
func TestAFollowerFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "dz.db"))
	key := func(n int) []byte { return appendTrackedKey(nil, 1, event.IntID(int64(n))) }
	err := db.update(t.Context(), func(tx *txn) error {
		for n := range 500 {
			if n%10 == 7 {
				continue
			}
			if err := tx.bucket(bucketTracked).Put(key(n), key(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		err := db.view(func(tx *bbolt.Tx) error {
			f := newFollower(tx.Bucket(bucketTracked))
			at := 0
			for range rapid.IntRange(1, 60).Draw(t, "keys") {
				// Mostly one after another, over gaps and beyond the end.
				at += rapid.SampledFrom([]int{1, 1, 1, 1, 1, 0, 2, -1, -40, 40, 480}).Draw(t, "step")
				at = max(at, 0) % 520
				var want []byte
				if at < 500 && at%10 != 7 {
					want = key(at)
				}
				if got := f.get(key(at)); !bytes.Equal(got, want) {
					t.Errorf("%d: %x, want %x", at, got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
