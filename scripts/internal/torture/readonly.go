package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// readonly has the disk of the store turn read-only beneath a dz that works, as
// ext4 makes it after an error: nobody can do that by mount, for a file is open
// for writing. Ingest pauses and says why, nothing runs away, and on the disk
// that was repaired dz goes on without loss.
func readonly(ctx context.Context, r *rig) (err error) {
	if os.Geteuid() != 0 {
		return skipped{"mounting a disk needs root"}
	}
	disk := &ext4{image: filepath.Join(r.dir, "image"), at: filepath.Join(r.dir, "disk")}
	if err := disk.create(ctx); err != nil {
		return skipped{fmt.Sprintf("no ext4 in a file here: %v", err)}
	}
	defer func() { err = errors.Join(err, r.ensureStopped(ctx), disk.unmount(context.WithoutCancel(ctx))) }()
	r.spool.objects = 2000
	r.storePath = filepath.Join(disk.at, "dz.db")
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if _, err := registerFixed(ctx, r); err != nil {
		return err
	}
	rounds := 3
	if r.opts.short {
		rounds = 1
	}
	for range rounds {
		if err := r.turnReadOnly(ctx, disk); err != nil {
			return err
		}
	}
	return r.settle(ctx, time.Minute)
}

// turnReadOnly does so under load, and has the disk repaired and dz started on
// it again.
func (r *rig) turnReadOnly(ctx context.Context, disk *ext4) error {
	return r.underLoad(ctx, newWriter(r, 5*time.Millisecond, 20), nil, func(ctx context.Context) error {
		if err := process.Pause(ctx, time.Second/2); err != nil {
			return err
		}
		r.ledger.Stuck()
		if err := disk.fail(); err != nil {
			return skipped{fmt.Sprintf("no error can be brought about on an ext4 here: %v", err)}
		}
		var last api.Status
		err := r.until(ctx, 30*time.Second, "dz says that the disk is read-only", func(s api.Status) bool {
			last = s
			return strings.Contains(s.Store.Error, "read-only")
		})
		if err != nil {
			return err
		}
		r.note("the disk turned read-only, and status says: %s", last.Store.Error)
		// No outcome can be recorded now. Were more requests made than may be
		// undurable, they would be repeated after the kill, which is counted.
		if err := process.Pause(ctx, 3*time.Second); err != nil {
			return err
		}
		if !r.running() {
			return fmt.Errorf("dz ended on a disk that turned read-only: %w", r.process().Wait())
		}
		if err := r.kill(ctx); err != nil {
			return err
		}
		if err := disk.repair(ctx); err != nil {
			return err
		}
		_, err = r.start(ctx)
		return err
	})
}

// ext4 is a file system in a file.
type ext4 struct{ image, at string }

func (e *ext4) create(ctx context.Context) error {
	const size = 128 << 20
	if err := os.WriteFile(e.image, nil, 0o600); err != nil {
		return err
	}
	if err := errors.Join(os.Truncate(e.image, size), os.Mkdir(e.at, 0o700)); err != nil {
		return err
	}
	if err := command(ctx, "mkfs.ext4", "-q", e.image); err != nil {
		return err
	}
	return e.mount(ctx)
}

func (e *ext4) mount(ctx context.Context) error {
	return mount(ctx, "-o", "loop,errors=remount-ro", e.image, e.at)
}

func (e *ext4) unmount(ctx context.Context) error { return command(ctx, "umount", e.at) }

// fail has the file system take itself for damaged.
func (e *ext4) fail() error {
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == e.at {
			return os.WriteFile("/sys/fs/ext4/"+filepath.Base(fields[0])+"/trigger_fs_error", []byte("1"), 0)
		}
	}
	return fmt.Errorf("%s is not mounted", e.at)
}

// repair does what a person does then.
func (e *ext4) repair(ctx context.Context) error {
	if err := e.unmount(ctx); err != nil {
		return err
	}
	err := command(ctx, "e2fsck", "-fy", e.image)
	var status *exec.ExitError
	if errors.As(err, &status) && status.ExitCode() == 1 { // it has mended what there was
		err = nil
	}
	if err != nil {
		return err
	}
	return e.mount(ctx)
}
