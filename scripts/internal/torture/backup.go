package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// upkeep is the scenario backup under way.
type upkeep struct {
	*rig
	random *rand.Rand
	made   int // backups begun
	cut    int // of these, by the end of dz
	broken int // compactions that were killed
	moves  int // restores to another place
}

// backup kills dz while it is backed up, while it compacts its store, and has it
// go on from a backup in another place, all while events come in. A backup that
// is there is whole, a store is sound after any of it, and nothing is lost.
func backup(ctx context.Context, r *rig) error {
	rounds, owed := 12, 40_000
	if r.opts.short {
		rounds, owed = 3, 10_000
	}
	r.spool.objects = 2000
	if _, err := r.start(ctx); err != nil {
		return err
	}
	// What is owed to a receiver that is down makes the store large enough for
	// copying it to take a while.
	down, err := r.register(ctx, "down", settings{wanted: asset})
	if err != nil {
		return err
	}
	down.inbox.set(status(http.StatusServiceUnavailable))
	if err := r.spool.round(owed, 1<<40); err != nil {
		return err
	}
	err = r.until(ctx, time.Minute, "everything is taken in", func(s api.Status) bool { return s.Events.Ingested >= r.ledger.Written() })
	if err != nil {
		return err
	}
	if _, err := registerFixed(ctx, r); err != nil {
		return err
	}
	u := &upkeep{rig: r, random: chance(r.opts.seed, r.name, "kills")}
	err = u.underLoad(ctx, newWriter(r, 5*time.Millisecond, 10), nil, func(ctx context.Context) error {
		for range rounds {
			for _, do := range []func(context.Context) error{u.killDuringBackup, u.killCompaction, u.killCompactionAtStart, u.move} {
				if err := do(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := u.compactInOrder(ctx); err != nil {
		return err
	}
	down.inbox.set(takeAtOnce)
	u.note("%d of %d backups cut off by the end of dz, %d compactions killed, %d moves to a backup in another place; peak RSS %d MiB",
		u.cut, u.made, u.broken, u.moves, u.peak>>20)
	return u.settle(ctx, 2*time.Minute)
}

// soon lets up to d pass.
func (u *upkeep) soon(ctx context.Context, d time.Duration) error {
	return process.Pause(ctx, time.Duration(u.random.Int64N(int64(d))))
}

// killDuringBackup kills dz while 'dz store backup' is under way.
func (u *upkeep) killDuringBackup(ctx context.Context) error {
	u.made++
	name := filepath.Join(u.dir, fmt.Sprintf("cut-%d.backup", u.made))
	command, err := u.beginCommand(ctx, "store", "backup", name)
	if err != nil {
		return err
	}
	if err := u.soon(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	if err := u.kill(ctx); err != nil {
		return err
	}
	if command.Wait() == nil {
		u.checkStore(ctx, name, "a backup that was made in time")
	} else {
		u.cut++
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			u.fault("a backup was cut off, and its file is there (%v): %s", err, command.says)
		}
	}
	_, err = u.start(ctx)
	return err
}

// killCompaction kills 'dz store compact' while no dz runs.
func (u *upkeep) killCompaction(ctx context.Context) error {
	if err := u.kill(ctx); err != nil {
		return err
	}
	command, err := u.beginCommand(ctx, "store", "compact")
	if err != nil {
		return err
	}
	if err := u.soon(ctx, 150*time.Millisecond); err != nil {
		return err
	}
	if err := command.Kill(); err == nil && command.EndedBy() == syscall.SIGKILL {
		u.broken++
	} else if err := command.Wait(); err != nil {
		u.fault("store compact: %v: %s", err, command.says)
	}
	u.checkStore(ctx, u.store(), "after a compaction that was killed")
	_, err = u.start(ctx)
	return err
}

// killCompactionAtStart kills dz while, at its start, it compacts its store.
func (u *upkeep) killCompactionAtStart(ctx context.Context) error {
	if err := u.kill(ctx); err != nil {
		return err
	}
	u.storeExtra = ", compact: always"
	if err := u.launch(ctx); err != nil {
		return err
	}
	if err := u.soon(ctx, 200*time.Millisecond); err != nil {
		return err
	}
	u.storeExtra = ""
	if err := u.kill(ctx); err != nil {
		return err
	}
	_, err := u.start(ctx)
	return err
}

// move backs dz up while it works, kills it a while later, and has another one go
// on from the backup in another place, with the same file to read.
func (u *upkeep) move(ctx context.Context) error {
	u.made++
	u.moves++
	name := filepath.Join(u.dir, fmt.Sprintf("move-%d.backup", u.made))
	if _, err := u.command(ctx, "store", "backup", name); err != nil {
		return err
	}
	if err := u.soon(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	if err := u.kill(ctx); err != nil {
		return err
	}
	before := u.storePath
	u.storePath = filepath.Join(u.dir, fmt.Sprintf("place-%d", u.moves), "dz.db")
	if err := os.Mkdir(filepath.Dir(u.storePath), 0o700); err != nil {
		return err
	}
	if err := copyKey(before, u.storePath); err != nil {
		return err
	}
	if _, err := u.command(ctx, "store", "restore", name, "--yes"); err != nil {
		return err
	}
	u.ledger.Restored()
	_, err := u.start(ctx)
	return err
}

// copyKey puts the key that secrets are sealed with beside another store: it
// belongs to the backups.
func copyKey(from, to string) error {
	return copyFile(from+".key", to+".key")
}

// compactInOrder lets a compaction come to its end. Nothing is left then of those
// that were killed, and dz goes on.
func (u *upkeep) compactInOrder(ctx context.Context) error {
	if err := u.stop(ctx); err != nil {
		return err
	}
	if _, err := u.command(ctx, "store", "compact"); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(u.store()), ".*"))
	if err != nil {
		return err
	}
	if len(left) > 0 {
		u.fault("after a compaction there is still %q", left)
	}
	_, err = u.start(ctx)
	return err
}
