package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEventEmitCommand(a *app) *cobra.Command {
	var opts emitOptions
	cmd := &cobra.Command{
		Use:   "emit {--type TYPE --item ID | FILE | -}",
		Short: "Give the daemon an event, or a file of them",
		Long: `Give the daemon an event made of flags, or events as JSON, one a line, from a file
or from stdin (-). What is no event is listed, as by 'dz event rejected', and
makes dz exit with 1; what follows it goes on.`,
		Example: `  dz event emit --type AssetMetadataUpdated --item 9588 --base 16 --field title
  dz event emit events.ndjson
  zcat history.ndjson.gz | dz event emit -`,
		Args: cobra.ArbitraryArgs,
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			if len(args) == 0 {
				return a.emitOne(ctx, s, opts)
			}
			return a.emitFile(ctx, s, args[0])
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.kind, "type", "", "`TYPE` of the event, such as AssetMetadataUpdated")
	flags.StringVar(&opts.item, "item", "", "item `ID` of what changed")
	flags.StringVar(&opts.base, "base", "", "base `ID` of what changed, an asset's id (default the item's)")
	flags.StringArrayVar(&opts.fields, "field", nil, "`NAME` of a changed field, repeatable")
	flags.StringArrayVar(&opts.formats, "format", nil, "`IDS` of formats, separated by commas, repeatable")
	flags.StringArrayVar(&opts.channels, "channel", nil, "`IDS` of channel folders, separated by commas, repeatable")
	flags.StringVar(&opts.user, "user", "", "`ID` of who made the change")
	flags.StringVar(&opts.reason, "reason", "", "`REASON`, such as metadata")
	flags.StringVar(&opts.source, "source", "/dz/cli", "`URI` of where the event comes from")
	flags.StringVar(&opts.subject, "subject", "", "`TEXT` that names what changed")
	flags.StringVar(&opts.id, "id", "", "`ID` of the event (default a new one)")
	flags.StringVar(&opts.data, "data", "", "`JSON` object of further members of data, such as asset")
	flags.SortFlags = false
	complete(cmd, "type", event.TypeNames(event.AllChanges))
	complete(cmd, "reason", event.Reasons())
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		hint := helpHint(cmd)
		switch {
		case len(args) > 1:
			return usageError{fmt.Errorf("%s takes one file", cmd.CommandPath()), hint}
		case len(args) == 1 && (opts.kind != "" || opts.item != ""):
			return usageError{fmt.Errorf("%s takes either a file or --type and --item", cmd.CommandPath()), hint}
		case len(args) == 0 && (opts.kind == "" || opts.item == ""):
			return usageError{fmt.Errorf("%s needs --type and --item, or a file", cmd.CommandPath()), hint}
		}
		return nil
	}
	return cmd
}

func (a *app) emitOne(ctx context.Context, s session, opts emitOptions) error {
	line, id, err := opts.event(a.env.Now())
	if err != nil {
		return err
	}
	result, err := s.client.Emit(ctx, bytes.NewReader(line))
	if err != nil {
		return err
	}
	return a.emitted(s, emitted{result, id}, id, "event "+id+" accepted")
}

func (a *app) emitFile(ctx context.Context, s session, name string) error {
	input := a.env.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usagef("open events: %w", err)
		}
		defer file.Close() //nolint:errcheck // it was only read
		input = file
	}
	events := interruptible(ctx, input)
	defer events.Close()
	result, err := s.client.Emit(ctx, events)
	if err != nil {
		if result.Accepted > 0 {
			a.note("%s accepted before that", render.Count(uint64(result.Accepted), "event"))
		}
		return err
	}
	return a.emitted(s, emitted{EmitResult: result}, strconv.Itoa(result.Accepted), render.Count(uint64(result.Accepted), "event")+" accepted")
}

// interruptible returns what reads input and ends with ctx, which reading from a
// terminal alone does not.
func interruptible(ctx context.Context, input io.Reader) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		_, err := io.Copy(writer, input)
		writer.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { reader.CloseWithError(context.Cause(ctx)) })
	return reader
}

// emitted is what became of events; the id is known of one that was made here.
type emitted struct {
	api.EmitResult
	ID string `json:"id,omitempty"`
}

// emitted prints what became of events; those that were rejected are an error.
func (a *app) emitted(s session, result emitted, name, sentence string) error {
	if result.Accepted == 0 {
		result.ID, name, sentence = "", "0", "no event accepted"
	}
	if err := s.out.Result(result, name, sentence); err != nil {
		return err
	}
	if result.RejectedCount == 0 {
		return nil
	}
	if s.out.Format == render.Table || s.out.Format == render.Name {
		for _, r := range result.Rejected { // for scripts they are in the result
			a.note("dz: rejected at byte %d: %s", r.Offset, r.Reason)
		}
	}
	return rejectedError{result.RejectedCount, "see 'dz event rejected'"}
}
