package daemon

import (
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/seal"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// openKey reads the key that secrets in the store are sealed with. Where it may
// be made it is made later: the store may have been sealed with one that is lost.
func (d *Daemon) openKey() (*seal.File, error) {
	key, err := seal.OpenFile(d.config.Secrets.KeyFile, d.config.MayMakeKey())
	if err != nil {
		return nil, fmt.Errorf("secrets.key_file: %w", err)
	}
	return key, nil
}

// explainKey says of an error of a store that was not opened what can be done, if
// it is the key's.
func explainKey(err error) error {
	var wrong *seal.WrongKeyError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%w: put back the file that holds key %s (it belongs to the backups), or name it as secrets.key_file; nothing was changed",
			err, wrong.Sealed)
	case errors.Is(err, seal.ErrBroken):
		return fmt.Errorf("%w; restore a backup", err)
	default:
		return err
	}
}

// settleKey sees to it that there is a key from the first start on, before the
// first secret: who sets up backups finds its file.
func (d *Daemon) settleKey(db *bolt.DB, key *seal.File) error {
	made, err := key.Ensure()
	if err != nil {
		return err
	}
	if made {
		d.log.Info("made a key file; it belongs to the backups of the store", "keyFile", d.config.Secrets.KeyFile, "key", key.ID())
	}
	if n := db.SealedAtOpen(); n > 0 {
		d.log.Warn("secrets were open in the store, and are sealed now; its free pages may hold them still: stop dz and run 'dz store compact'",
			"endpoints", n, "key", key.ID())
	}
	return nil
}
