package bolt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// holderVariable makes the test binary a process that opens the store that it
// names, says so, and holds it until its input ends.
const holderVariable = "DZ_TEST_HOLD_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(holderVariable); path != "" {
		os.Exit(hold(path)) //nolint:forbidigo // the process that holds the store is this binary
	}
	os.Exit(m.Run()) //nolint:forbidigo // as every TestMain does
}

func hold(path string) int {
	db, err := Open(path, testOptions())
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	fmt.Fprintln(os.Stdout, "open")
	_, err = io.Copy(io.Discard, os.Stdin)
	if err = errors.Join(err, db.Close()); err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	return 0
}

// startHolder starts a process that opens the store, and returns what it says
// about that and a function that ends it.
func startHolder(t *testing.T, path string) (said string, pid int, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), holderVariable+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = in.Close() // it has ended if this fails
		_ = cmd.Wait() // it has said what there is to say
	})
	t.Cleanup(end)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid, end
}

// emptyStore makes a store and returns its path.
func emptyStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(memoryDir(t), "dz.db")
	if err := mustOpen(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustOpen(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(path, testOptions())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// wantOpenError opens the store and wants an error of that text, after "open
// store PATH: ". It is a regular expression of the whole.
func wantOpenError(t *testing.T, path string, kind error, text string) {
	t.Helper()
	db, err := Open(path, testOptions())
	if err == nil {
		t.Error("it opens")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("%v is not %q", err, kind)
	}
	rest, ok := strings.CutPrefix(err.Error(), "open store "+path+": ")
	if !ok || !regexp.MustCompile("^(?:"+text+")$").MatchString(rest) {
		t.Errorf("got:  %s\nwant: %s", err, text)
	}
}

const cure = "; restore a backup, or move the file away to begin anew"

func TestALockedStoreNamesTheProcessThatHasIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	said, pid, end := startHolder(t, path)
	if said != "open" {
		t.Fatal(said)
	}
	self := filepath.Base(os.Args[0])
	self = self[:min(len(self), 15)] // as much as Linux keeps of it
	who := fmt.Sprintf(`process %d \(%s\)`, pid, regexp.QuoteMeta(self))
	if _, err := os.Stat("/proc/locks"); err != nil {
		who = "another process"
	}
	wantOpenError(t, path, store.ErrLocked,
		"store is locked by "+who+": stop it first, or give this one another store.path")
	end()
	if err := mustOpen(t, path).Close(); err != nil {
		t.Errorf("after that process has ended: %v", err)
	}
}

func TestStoresMadeAtOnceByTwoProcessesAreOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "new", "dz.db")
	var said [4]string
	var wg sync.WaitGroup
	for i := range said {
		wg.Go(func() { said[i], _, _ = startHolder(t, path) })
	}
	wg.Wait()
	open := 0
	for _, line := range said {
		switch {
		case line == "open":
			open++
		case !strings.Contains(line, "store is locked by process"):
			t.Error(line)
		}
	}
	if open != 1 {
		t.Errorf("%d processes have the store open: %q", open, said)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestWhatACrashLeftOfANewStoreDoesNoHarm(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".dz.db.new-1234"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

func TestAStoreIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "a", "b", "dz.db")
	mustOpen(t, path)
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}

func TestAStoreThatIsNoneIsNotOpened(t *testing.T) {
	t.Parallel()
	noStore := `store is damaged: it is no store, or its first pages are overwritten \(.*\)` + cure
	for _, c := range []struct {
		name string
		make func(path string) error
		kind error
		text string
	}{
		{"a newer format", inDB(func(tx *bbolt.Tx) error {
			return putUint64(tx.Bucket(bucketMeta), metaFormat, 9)
		}), store.ErrNewer, "store has a newer format: it has format 9, this dz reads up to 6: install a newer dz"},
		{"a format from before the first release", inDB(func(tx *bbolt.Tx) error {
			return putUint64(tx.Bucket(bucketMeta), metaFormat, 1)
		}), nil, "it has format 1, of a dz before its first release, which this one can't read: " +
			"let that dz deliver what is owed, then move the file away to begin anew"},
		{"a format that never was", inDB(func(tx *bbolt.Tx) error {
			return putUint64(tx.Bucket(bucketMeta), metaFormat, 0)
		}), store.ErrDamaged, "store is damaged: it names format 0, which never was" + cure},
		{"a bucket missing", inDB(func(tx *bbolt.Tx) error {
			return tx.DeleteBucket(bucketDue)
		}), store.ErrDamaged, "store is damaged: bucket due is missing" + cure},
		{"another's database", inDB(func(tx *bbolt.Tx) error {
			return tx.DeleteBucket(bucketMeta)
		}), store.ErrDamaged, "store is damaged: it is a bbolt database, but not one of dz" + cure},
		{"garbage", contents(strings.Repeat("garbage!", 10_000)), store.ErrDamaged, noStore},
		{"a short text", contents("hello"), store.ErrDamaged, "store is damaged: it has 5 bytes, too few for a store" + cure},
		{"nothing", contents(""), store.ErrDamaged, "store is damaged: it has 0 bytes, too few for a store" + cure},
		{"both meta pages destroyed", inFile(func(data []byte) []byte {
			clear(data[:2*largePage])
			return data
		}), store.ErrDamaged, noStore},
		{"its end cut off", inFile(func(data []byte) []byte {
			return data[:5*largePage]
		}), store.ErrDamaged, `store is damaged: it has \d+ bytes and should have \d+` + cure},
		{"most of it cut off", inFile(func(data []byte) []byte {
			return data[:largePage+100]
		}), store.ErrDamaged, `store is damaged: it has \d+ bytes, too few for a store` + cure},
		{"most of it cut off and the first page destroyed", inFile(func(data []byte) []byte {
			clear(data[:largePage])
			return data[:largePage+3000]
		}), store.ErrDamaged, `store is damaged: it has \d+ bytes, too few for a store` + cure},
		{"a directory", func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, nil, "it is no file: give the store another store.path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := emptyStore(t)
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			wantOpenError(t, path, c.kind, c.text)
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file has been changed")
			}
		})
	}
}

// inDB changes a store by the back door.
func inDB(change func(*bbolt.Tx) error) func(path string) error {
	return func(path string) error {
		b, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			return err
		}
		return errors.Join(b.Update(change), b.Close())
	}
}

func inFile(change func([]byte) []byte) func(path string) error {
	return func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, change(data), 0o600)
	}
}

func contents(text string) func(path string) error {
	return inFile(func([]byte) []byte { return []byte(text) })
}

func TestAPlaceWhereNoStoreCanBe(t *testing.T) {
	t.Parallel()
	t.Run("below a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(memoryDir(t), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantOpenError(t, filepath.Join(file, "dz.db"), nil, ".*: not a directory")
	})
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() == 0 {
			t.Skip("root may write anywhere")
		}
		dir := filepath.Join(memoryDir(t), "mine")
		if err := os.Mkdir(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		wantOpenError(t, filepath.Join(dir, "dz.db"), os.ErrPermission,
			".*: permission denied: let this user write there, or give the store another store.path")
	})
	t.Run("where the system makes the files", func(t *testing.T) {
		t.Parallel()
		if _, err := os.Stat("/proc/self"); err != nil {
			t.Skip("there is no /proc")
		}
		wantOpenError(t, "/proc/self/dz.db", nil, ".*/proc/self/.*")
	})
}
