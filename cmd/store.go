package cmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/upkeep"
)

func newStoreCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:   "store COMMAND",
			Short: "Check, back up, restore and compact what the daemon keeps",
			Long: `The store is one file: what endpoints are owed, how far sources were read, the
endpoints with their secrets, and recent events.

'backup' and 'stats' ask the daemon. 'check', 'restore' and 'compact' work on the
file itself, that of store.path, while no daemon runs.`,
		},
		newStoreBackupCommand(a),
		newStoreRestoreCommand(a),
		newStoreCheckCommand(a),
		newStoreCompactCommand(a),
		newStoreStatsCommand(a),
	)
}

// storePath returns the file that is meant: the one that was named, or the one
// of the configuration.
func (a *app) storePath(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	c, err := config.Load(a.configOptions())
	if err != nil {
		return "", usageError{err: err}
	}
	return c.Store.Path, nil
}

// keyFile returns the configured one, "" if the configuration can't be read:
// what is asked of a file that is named does not depend on it.
func (a *app) keyFile() string {
	c, err := config.Load(a.configOptions())
	if err != nil {
		return ""
	}
	return c.Secrets.KeyFile
}

// noteSecrets reminds a person of the key without which a copy of a store is
// worth little.
func (a *app) noteSecrets(path, keyFile string) error {
	secrets, err := upkeep.Secrets(path, keyFile)
	switch {
	case err != nil, secrets.Endpoints == 0:
		return err
	case secrets.Problem != "":
		a.note("dz: warning: %s: %s", render.SealedWith(secrets), secrets.Problem)
	case keyFile == "":
		a.note("%s: a copy of its key file belongs to the backup, in another place", render.SealedWith(secrets))
	}
	return nil
}

func newStoreCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read all of a store or a backup, and say what is damaged",
		Long: `Read every page and every record of a store or a backup, without FILE of the
configured store, and say where it is damaged and what to do. Nothing is changed.
It exits with 1 if anything is damaged, or if the configured key does not open the
secrets in the configured store.

What can't be seen is that a value was changed to another one that makes sense, a
digit within an id or a URL: a sound store is one of which all can be read and fits
together.

A store that a daemon has open can't be checked; a backup of it can.`,
		Example: `  dz store check
  dz store check /var/backups/dz.backup
  dz store check -o json | jq .faults`,
		Args: exactly("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			path, err := a.storePath(args)
			if err != nil {
				return err
			}
			check, err := upkeep.Check(cmd.Context(), path, a.keyFile())
			if err != nil {
				return err
			}
			if err := out.StoreCheck(check); err != nil {
				return err
			}
			// A backup may be of another daemon, with another key.
			lacksKey := len(args) == 0 && check.Secrets != nil && check.Secrets.Problem != ""
			if !check.Sound || lacksKey {
				return errSilent
			}
			return nil
		},
	}
}

func newStoreCompactCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "compact [FILE]",
		Short: "Make a store's file as small as it can be",
		Long: `Make a store's file, without FILE that of the configured store, as small as it can
be. A file never shrinks by itself: what is freed is used again. It needs room on
the disk for what is in the store; whatever happens, the file is whole.

A store of an older dz gets this one's format, as at a start, and the older dz can't
read it any more: to go back to it, keep a copy of the file.

A store that a daemon has open can't be compacted. Restart the daemon instead: at
start it compacts by itself what is worth it, or, with store.compact set to
always, in any case.`,
		Example: `  dz store compact
  systemctl stop dz && dz store compact && systemctl start dz`,
		Args: exactly("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			path, err := a.storePath(args)
			if err != nil {
				return err
			}
			done, err := upkeep.Compact(cmd.Context(), path)
			if err != nil {
				return err
			}
			return out.StoreCompacted(done)
		},
	}
}

func newStoreStatsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "stats [FILE]",
		Short: "Show what a store holds, and what takes its room",
		Long: `Show what the daemon's store holds, and what takes its room; with FILE, what a
store or a backup holds that no daemon has open. BYTES are those of keys and
values, without what keeps them in order.`,
		Example: `  dz store stats
  dz store stats /var/backups/dz.backup
  dz store stats -o json | jq '.free / .size'`,
		Args: exactly("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.ask(storeStats)(cmd, args)
			}
			out, err := a.printer()
			if err != nil {
				return err
			}
			stats, err := upkeep.Stats(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return out.StoreStats(stats)
		},
	}
}

func storeStats(ctx context.Context, s session, _ []string) error {
	stats, err := s.client.StoreStats(ctx)
	if err != nil {
		return withoutDaemon(err, "or name the store's file: 'dz store stats FILE'")
	}
	return s.out.StoreStats(stats)
}

// withoutDaemon adds to the error of a daemon that is not there what can be done
// without one.
func withoutDaemon(err error, hint string) error {
	var told *api.Error
	if !errors.As(err, &told) || told.Code != api.CodeUnreachable {
		return err
	}
	return &api.Error{Code: told.Code, Message: told.Message, Hint: told.Hint + ", " + hint}
}
