package cmd

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// stdinName stands for stdin where a file is wanted.
const stdinName = "-"

func newAssetImportCommand(a *app) *cobra.Command {
	asOf := when{now: a.env.Now}
	cmd := &cobra.Command{
		Use:   "import {FILE | -}",
		Short: "Make assets known that no event has told of",
		Long: `Make assets known from FILE, or from stdin (-): one JSON object a line, compressed
with gzip or not. A line is

  - an asset, kept as it is. Its id is the first of assetId, baseId, id and itemId
    that it has; or, as nexxOMNIA writes it, general.GID or else general.ID. The
    item's id is itemId, or general.ID;
  - an event with a snapshot (data.asset), or of a deletion. Events that tell
    nothing of their asset are skipped.

What is known of a later time than that of the line stays. An event says when it
happened; an asset counts as of --as-of.

A line without an id, or that can't be read, is named with its number and makes dz
exit with 1; the rest goes on.`,
		Example: `  dz asset import assets.ndjson.gz
  curl -s https://dam.example/export | dz asset import - --as-of 5m`,
		Args: exactly("FILE"),
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			return a.importAssets(ctx, s, args[0], asOf.orZero())
		}),
	}
	cmd.Flags().Var(&asOf, "as-of", "`TIME` at which the assets were read from the DAM: 2h, 7d, or a date (default when FILE was last changed, or now)")
	return cmd
}

func (a *app) importAssets(ctx context.Context, s session, name string, asOf time.Time) error {
	input := a.env.Stdin
	var total int64
	if name != stdinName {
		file, err := os.Open(name)
		if err != nil {
			return usagef("open assets: %w", err)
		}
		defer file.Close() //nolint:errcheck // it was only read
		info, err := file.Stat()
		if err != nil {
			return fmt.Errorf("open assets: %w", err)
		}
		input = file
		if info.Mode().IsRegular() {
			total = info.Size()
			if asOf.IsZero() {
				asOf = info.ModTime()
			}
		}
	}
	meter := a.newMeter(input, total)
	lines := interruptible(ctx, &gunzip{input: meter})
	defer lines.Close()
	result, err := s.client.ImportAssets(ctx, lines, asOf, func(r api.ImportResult) {
		meter.note(render.Count(uint64(r.Imported), "asset"))
	})
	meter.finish()
	if err != nil {
		if result.Imported > 0 {
			a.note("%s imported before that", render.Count(uint64(result.Imported), "asset"))
		}
		return err
	}
	return a.imported(s, result)
}

// imported prints what became of lines; those that were rejected are an error.
func (a *app) imported(s session, result api.ImportResult) error {
	if err := s.out.Result(result, strconv.Itoa(result.Imported), importSentence(result)); err != nil {
		return err
	}
	if result.RejectedCount == 0 {
		return nil
	}
	if s.out.Format == render.Table || s.out.Format == render.Name {
		for _, r := range result.Rejected { // for scripts they are in the result
			a.note("dz: line %d: %s", r.Line, r.Reason)
		}
		if more := result.RejectedCount - len(result.Rejected); more > 0 {
			a.note("dz: and %s more", render.Count(uint64(more), "line"))
		}
	}
	return rejectedError{lines: result.RejectedCount}
}

func importSentence(result api.ImportResult) string {
	parts := []string{"no asset imported"}
	if result.Imported > 0 {
		parts[0] = render.Count(uint64(result.Imported), "asset") + " imported"
	}
	if result.Older > 0 {
		parts = append(parts, render.Count(uint64(result.Older), "line")+" older than what is known")
	}
	if result.Skipped > 0 {
		parts = append(parts, render.Count(uint64(result.Skipped), "event")+" without a snapshot skipped")
	}
	return strings.Join(parts, ", ")
}
