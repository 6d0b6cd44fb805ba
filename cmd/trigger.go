package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

type triggerOptions struct {
	name   string // a type, or a reason
	asset  string
	set    []string
	dryRun bool
	wait   bool
	limit  timespan.Span // of the wait
}

func newTriggerCommand(a *app) *cobra.Command {
	opts := triggerOptions{limit: triggerLimit}
	cmd := &cobra.Command{
		Use:   "trigger {REASON|TYPE}",
		Short: "Make a realistic event, and give it to the daemon",
		Long: `Make an event as a DAM would send it, of a type (AssetMetadataUpdated) or of one of
the reasons of the Notification Gateway (thumb), and give it to the daemon: with
the asset as the catalogue knows it, or else a made-up one. 'dz event emit' makes
an event of nothing but what it is told.

--set sets any member by its path; a value that is JSON is taken as such.

--wait waits until every endpoint that wants the event was told of it or has failed
it, and prints a line for each. An endpoint that is sick counts as not told if its
next probe is yet to come. The exit code is 1 if one was not told, also if it is
still waited for after --timeout.`,
		Example: `  dz trigger metadata
  dz trigger AssetProfilePublished --asset 1234 --wait
  dz trigger exportcompleted --asset 1234 --set data.asset.title='Harbour at dusk'
  dz trigger thumb --set data.user=anna --set 'data.channels=[7,8]' --dry-run`,
		Args: exactly("REASON|TYPE"),
		PreRunE: func(cmd *cobra.Command, args []string) error {
			opts.name = args[0]
			return opts.check(cmd)
		},
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			line, id, err := a.makeTriggered(ctx, s.client, opts)
			if err != nil {
				return err
			}
			if opts.dryRun {
				return s.out.Text(string(line))
			}
			result, err := s.client.Emit(ctx, bytes.NewReader(line))
			if err != nil {
				return err
			}
			if opts.wait && result.Accepted > 0 {
				return a.waitForTriggered(ctx, s, triggered{emitted{result, id}, []triggeredAt{}}, opts.limit)
			}
			return a.emitted(s, emitted{result, id}, id, "event "+id+" accepted")
		}),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return event.TypeNames(event.AllChanges), cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.asset, "asset", "", "`ID` of the asset, or of what else changes (default a made-up one)")
	flags.StringArrayVar(&opts.set, "set", nil, "set a member of the event, as `PATH=VALUE`, such as data.asset.title=Harbour; repeatable")
	flags.BoolVar(&opts.wait, "wait", false, "wait until every endpoint that wants it was told or has failed it, a line each; 1 is the exit code if one was not told")
	flags.Var(&opts.limit, "timeout", "wait at most this `TIME`, and say what is still waited for")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "only print the event")
	flags.SortFlags = false
	register(cmd, "set", cobra.NoFileCompletions)
	register(cmd, "asset", func(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		return a.assetIDs(cmd, nil, text)
	})
	return cmd
}

func (o *triggerOptions) check(cmd *cobra.Command) error {
	switch {
	case o.wait && o.dryRun:
		return usagef("--dry-run gives the daemon nothing that --wait could wait for")
	case !o.wait && cmd.Flags().Changed("timeout"):
		return usagef("--timeout belongs to --wait")
	case o.limit == 0:
		return usagef("--timeout: 0 leaves no time to wait: write 1s or more")
	}
	if _, _, err := event.ParseType(o.name); err != nil {
		names := event.TypeNames(event.AllChanges)
		unknown := fmt.Errorf("unknown reason or type %q%s", o.name, suggest.Clause(o.name, names))
		if strings.HasSuffix(unknown.Error(), "?") {
			return usageError{err: unknown}
		}
		return usageError{unknown, "write one of " + strings.Join(names, ", ")}
	}
	return nil
}

// makeTriggered makes the event, as a line, and returns its id.
func (a *app) makeTriggered(ctx context.Context, client *api.Client, opts triggerOptions) (line []byte, id string, err error) {
	object, snapshot, err := a.triggeredObject(ctx, client, opts)
	if err != nil {
		return nil, "", err
	}
	now := a.env.Now()
	if id, err = newEventID(now); err != nil {
		return nil, "", err
	}
	envelope, err := sampleEvent(opts.name, id, object, snapshot, now)
	if err != nil {
		return nil, "", err
	}
	for _, assignment := range opts.set {
		if err := setMember(envelope, assignment); err != nil {
			return nil, "", usagef("--set: %w", err)
		}
	}
	if line, err = json.Marshal(envelope); err != nil {
		return nil, "", fmt.Errorf("write event: %w", err)
	}
	decoded, err := event.Decode(line)
	if err != nil {
		return nil, "", usagef("--set makes it no event: %w", err)
	}
	return append(line, '\n'), decoded.ID, nil
}

// triggeredObject returns what changes, and the snapshot of an asset that the
// catalogue knows.
func (a *app) triggeredObject(ctx context.Context, client *api.Client, opts triggerOptions) (event.Object, json.RawMessage, error) {
	kind := kindOf(opts.name)
	base := sampleBase(kind)
	if opts.asset != "" {
		var err error
		if base, err = parseTypedID(opts.asset); err != nil {
			return event.Object{}, nil, usagef("--asset: %w", err)
		}
	}
	object := event.Object{Kind: kind, ItemID: sampleItem(base), BaseID: base}
	if kind != event.Asset {
		return object, nil, nil
	}
	known, err := client.Asset(ctx, base.String())
	switch {
	case isCode(err, api.CodeNotFound), opts.dryRun && isCode(err, api.CodeUnreachable):
		return object, nil, nil
	case err != nil:
		return object, nil, err
	}
	object.BaseID = known.ID
	if !known.ItemID.IsZero() {
		object.ItemID = known.ItemID
	}
	return object, known.Data, nil
}

// setMember sets a member of a JSON object by "PATH=VALUE". What lies on the path
// and is not there is made.
func setMember(object map[string]any, assignment string) error {
	path, text, found := strings.Cut(assignment, "=")
	if !found || path == "" {
		return fmt.Errorf("%.80q: write PATH=VALUE, such as data.user=anna", assignment)
	}
	names := strings.Split(path, ".")
	for i, name := range names {
		if name == "" {
			return fmt.Errorf("%.80q: there is an empty name in the path", path)
		}
		if i == len(names)-1 {
			object[name] = jsonOrText(text)
			return nil
		}
		next, isObject := object[name].(map[string]any)
		if value, there := object[name]; !there || value == nil {
			next, isObject = map[string]any{}, true
			object[name] = next
		}
		if !isObject {
			return fmt.Errorf("%.80q: %s is no object", path, strings.Join(names[:i+1], "."))
		}
		object = next
	}
	return errors.New("an empty path")
}

// jsonOrText reads a value that is JSON, its numbers as they are written, and
// takes any other for text.
func jsonOrText(text string) any {
	var value any
	if err := decodeNumbers([]byte(text), &value); err != nil {
		return text
	}
	return value
}
