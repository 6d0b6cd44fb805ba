package daemon

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

const (
	// startExtension is how much more time the service manager is asked for while
	// the store is being opened, again and again.
	startExtension = 30 * time.Second
	extendEvery    = 10 * time.Second
)

// openStore opens the store, after it has compacted it if that is configured.
func (d *Daemon) openStore(ctx context.Context) (*bolt.DB, error) {
	// All of the file is read; a large one may take longer than a start may.
	defer d.extendStart()()
	c := d.config.Store
	if err := d.compact(ctx, c); err != nil {
		return nil, err
	}
	key, err := d.openKey()
	if err != nil {
		return nil, err
	}
	db, err := bolt.Open(c.Path, bolt.Options{
		MaxSize: int64(c.MaxSize), KeepEvents: c.Events.Keep.Std(), MaxEventBytes: int64(c.Events.MaxSize),
		Sealer: key,
	})
	switch {
	case errors.Is(err, store.ErrDamaged):
		return nil, explainDamage(err)
	case err != nil:
		return nil, explainKey(err)
	}
	if err := d.settleKey(db, key); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	d.logFormat(db.FormatBefore())
	if err := db.LastCommit(); err != nil {
		d.log.Warn("the store may have lost its last commit: see whether what was changed last is there; "+
			"sources are read again from where they were", "store", c.Path, "error", err)
	}
	return db, nil
}

func explainDamage(err error) error {
	return fmt.Errorf("%w; 'dz store check' says where it is damaged", err)
}

// damage returns what the store has met that makes no sense. The daemon ends with
// it, as it would not start: what is built upon a damaged page is damaged too, and
// what is not delivered meanwhile, a backup and the sources bring back.
func (d *Daemon) damage() error {
	engine, ok := d.store.(interface{ Damage() error })
	if !ok {
		return nil
	}
	if err := engine.Damage(); err != nil {
		return explainDamage(err)
	}
	return nil
}

// compact makes the store's file smaller. That it can't is no reason not to
// start; what is wrong with the store is said when it is opened.
func (d *Daemon) compact(ctx context.Context, c config.Store) error {
	var done bolt.Compaction
	var compacted bool
	var err error
	started := d.now()
	switch c.Compact {
	case config.CompactAuto:
		done, compacted, err = bolt.CompactIfWorth(ctx, c.Path)
	case config.CompactAlways:
		done, compacted, err = bolt.CompactIfThere(ctx, c.Path)
	}
	d.logFormat(done.FormatBefore)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("compact store: %w", context.Cause(ctx))
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrLocked), errors.Is(err, store.ErrNewer):
	case err != nil:
		d.log.Warn("the store is not compacted", "error", err)
	case compacted:
		debug.FreeOSMemory() // as much as a commit of the copy took, which is over
		d.log.Info("store compacted", "store", c.Path, "before", done.Before, "after", done.After,
			"duration", d.now().Sub(started))
	}
	return nil
}

// logFormat says that a store was made one of this dz, from which there is no way
// back.
func (d *Daemon) logFormat(before int) {
	if before > 0 && before < bolt.Format {
		d.log.Info("the store has a newer format now, which no older dz reads", "store", d.config.Store.Path,
			"before", before, "now", bolt.Format)
	}
}

// extendStart asks the service manager for patience until it is stopped
// (EXTEND_TIMEOUT_USEC in sd_notify(3)).
func (d *Daemon) extendStart() (stop func()) {
	ticker := time.NewTicker(extendEvery)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if _, err := sd.SdNotify(false, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", startExtension.Microseconds())); err != nil {
					d.log.Warn("can't notify the service manager", "error", err)
				}
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
	}
}
