package cmd

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/upkeep"
)

// stdoutName stands for stdout where a file is wanted.
const stdoutName = "-"

// progressEvery is how often a person is told how far long work is.
const progressEvery = time.Second

func newStoreBackupCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the daemon's store to FILE",
		Long: `Write a copy of the daemon's store, as it is at one moment, to FILE, or to stdout if
that is -. The daemon goes on meanwhile; it needs as much room again on the disk of
its store until the copy is taken.

The copy is read and checked before it gets its name, so a FILE that is there is
whole. It is for its owner alone. The secrets of endpoints are sealed in it: keep a
copy of the daemon's key file (secrets.key_file, by default the store's path with
.key behind it) too, in another place. Without it they are lost.

While the daemon is stopped, the store's file is a backup: copy it.`,
		Example: `  dz store backup /var/backups/dz-$(date +%F).backup
  dz store backup --force /var/backups/dz.backup
  dz store backup - | zstd > dz.backup.zst`,
		Args: exactly("FILE"),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if args[0] == stdoutName && a.env.Terminal {
				return usagef("a backup is no text for a terminal: redirect stdout, or name a file")
			}
			return nil
		},
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			if args[0] == stdoutName {
				return s.backupTo(ctx, a.env.Stdout)
			}
			done, err := upkeep.WriteBackup(ctx, a.backupTarget(args[0], force), func(w io.Writer) error { return s.backupTo(ctx, w) })
			if err != nil {
				return err
			}
			if err := s.out.StoreBackup(done); err != nil {
				return err
			}
			return a.noteSecrets(args[0], "")
		}),
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "replace FILE if it exists; never a store in use, nor a key")
	return cmd
}

// backupTarget is the file of a name. Which store is configured matters if its
// daemon is not the one that is asked; if it can't be read, none is.
func (a *app) backupTarget(name string, force bool) upkeep.Target {
	target := upkeep.Target{Name: name, Force: force}
	if c, err := config.Load(a.configOptions()); err == nil {
		target.Spare = []string{c.Store.Path}
	}
	return target
}

// backupTo streams a backup, and shows how far it is where somebody looks.
func (s session) backupTo(ctx context.Context, w io.Writer) error {
	err := s.client.Backup(ctx, &progress{app: s.app, to: w, next: s.app.env.Now().Add(progressEvery)})
	return withoutDaemon(err, "or copy the store's file while it is stopped")
}

// progress tells a person at a terminal how much was written.
type progress struct {
	app     *app
	to      io.Writer
	written int64
	next    time.Time
}

func (p *progress) Write(data []byte) (int, error) {
	n, err := p.to.Write(data)
	p.written += int64(n)
	if now := p.app.env.Now(); p.app.env.ErrTerminal && now.After(p.next) {
		p.next = now.Add(progressEvery)
		p.app.note("%s written", render.Size(p.written))
	}
	return n, err
}
