package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
)

func TestABackupThatIsNoneLeavesNothing(t *testing.T) {
	t.Parallel()
	daemon := newFakeDaemon(t, map[string]any{"GET /store/backup": "this is no store"})
	dir := t.TempDir()
	name := filepath.Join(dir, "dz.backup")
	daemon.run(t, "", nil, "store", "backup", name).wants(t, ExitFailed, "", "the backup is not sound, and is thrown away")
	full := newFakeDaemon(t, map[string]any{
		"GET /store/backup": &api.Error{Code: api.CodeFull, Message: "no room for a copy", Hint: "free some"},
	})
	full.run(t, "", nil, "store", "backup", name).wants(t, ExitFailed, "", "dz: no room for a copy: free some\n")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABackupIsNotWrittenToATerminal(t *testing.T) {
	t.Parallel()
	daemon := newFakeDaemon(t, map[string]any{"GET /store/backup": "binary"})
	terminal := func(env *Env) { env.Terminal = true }
	daemon.run(t, "", terminal, "store", "backup", "-").wants(t, ExitUsage, "", "redirect stdout, or name a file")
	if asked := daemon.asked(); len(asked) > 0 {
		t.Errorf("the daemon was asked: %v", asked)
	}
	daemon.run(t, "", nil, "store", "backup", "-").wants(t, ExitDone, `"binary"`, "")
}

func TestALongBackupShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	daemon := newFakeDaemon(t, map[string]any{"GET /store/backup": strings.Repeat("x", 1<<20)})
	at := now
	slow := func(env *Env) {
		env.ErrTerminal = true
		env.Now = func() time.Time {
			at = at.Add(time.Minute)
			return at
		}
	}
	daemon.run(t, "", slow, "store", "backup", "-").wants(t, ExitDone, "xxx", "KiB written\n")
}

func TestARestoreThatIsNotWantedDoesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := func(env *Env) {
		env.Interactive = true
		env.Config = config.Options{
			UID: 1000, Home: dir, ReadFile: env.Config.ReadFile, Exists: env.Config.Exists,
			Env: []string{"DZ_STORE_PATH=" + filepath.Join(dir, "dz.db")},
		}
	}
	run(t, "n\n", here, "store", "restore", "dz.backup").wants(t, ExitFailed, "", "nothing was done")
	run(t, "y\n", here, "store", "restore", filepath.Join(dir, "dz.backup")).
		wants(t, ExitNotFound, "", "put "+filepath.Join(dir, "dz.backup")+" in the place of "+filepath.Join(dir, "dz.db")+"? [y/N]")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAWrongConfigurationIsSaidBeforeAStoreIsTouched(t *testing.T) {
	t.Parallel()
	wrong := func(env *Env) { env.Config.Env = append(env.Config.Env, "DZ_STORE_MAX_SIZE=much") }
	for _, args := range [][]string{{"store", "check"}, {"store", "compact"}, {"store", "restore", "x", "--yes"}} {
		run(t, "", wrong, args...).wants(t, ExitUsage, "", "DZ_STORE_MAX_SIZE")
	}
}
