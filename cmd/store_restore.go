package cmd

import (
	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/upkeep"
)

func newStoreRestoreCommand(a *app) *cobra.Command {
	var yes bool
	ask := a.mustAsk(&yes)
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the store",
		Long: `Put the backup FILE in the place of the configured store, while no daemon runs. FILE
is read in full first, and not changed. What is there, damaged or not, is kept
beside it under a name that ends in .before-restore and the time.

Sources go on where they were at the time of the backup: what came in since is read
again, and told again to endpoints that were told of it already. Nothing is lost as
long as the files still hold it. So it is on another machine: files are found again
by their content, if they have the same path there.

What endpoints were told after the backup, the store does not know. So those of style
managed are told of every change that was made before the restore, or up to a day
after it, also where nothing they are shown has changed; and to delete what is gone or
not wanted, though they may never have had it. A change that bears no time counts if it
is read within that day: start the daemon before long. 'dz resync NAME' then brings
back what no event tells of. All that stays is an asset that came and went after the
backup, if the source does not hold its deletion any more.

The store gets this dz's format, which an older one can't read; FILE keeps its own.`,
		Example: `  systemctl stop dz
  dz store restore /var/backups/dz.backup
  systemctl start dz`,
		Args:    exactly("FILE"),
		PreRunE: ask,
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			path, err := a.storePath(nil)
			if err != nil {
				return err
			}
			s := session{app: a, out: out, pause: func() {}, resume: func() {}}
			if !yes {
				if err := s.confirm(cmd.Context(), "put "+args[0]+" in the place of "+path+"?"); err != nil {
					return err
				}
			}
			done, err := upkeep.Restore(cmd.Context(), args[0], path, a.env.Now())
			if err != nil {
				return err
			}
			if err := out.StoreRestored(done); err != nil {
				return err
			}
			if err := a.noteSecrets(path, a.keyFile()); err != nil {
				return err
			}
			a.note("sources go on where they were at the time of the backup: what came in since is told again")
			return nil
		},
	}
	yesFlag(cmd, &yes)
	return cmd
}
