package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
)

// completionDeadline is how long a shell waits for names.
const completionDeadline = time.Second

// complete makes a flag complete to one of values.
func complete(cmd *cobra.Command, flag string, values []string) {
	register(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeList makes a flag complete to several of values, separated by commas.
func completeList(cmd *cobra.Command, flag string, values []string) {
	register(cmd, flag, func(_ *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		before := text[:strings.LastIndex(text, ",")+1]
		all := make([]string, len(values))
		for i, value := range values {
			all[i] = before + value
		}
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

func register(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(fmt.Sprintf("flag --%s is completed before it is declared, or twice", flag))
	}
}

// endpointNames completes one argument to an endpoint's name.
func (a *app) endpointNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return completions(a.endpoints(cmd, args)), cobra.ShellCompDirectiveNoFileComp
}

func completions(list []api.Endpoint) []string {
	names := make([]string, len(list))
	for i, ep := range list {
		names[i] = cobra.CompletionWithDesc(ep.Name, ep.Style+" "+ep.URL)
	}
	return names
}

// endpoints returns the endpoints that a first argument may mean. Without a
// daemon there is nothing to say, and nothing is said.
func (a *app) endpoints(cmd *cobra.Command, args []string) []api.Endpoint {
	if len(args) > 0 {
		return nil
	}
	client, err := a.client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(completionContext(cmd), completionDeadline)
	defer cancel()
	list, err := client.Endpoints(ctx, false)
	if err != nil {
		return nil
	}
	return list
}

// endpointOrGroupNames completes one argument to the name of an endpoint or of a
// group.
func (a *app) endpointOrGroupNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	list := a.endpoints(cmd, args)
	names := completions(list)
	members := make(map[string]int)
	for _, ep := range list {
		if ep.Group != "" {
			members[ep.Group]++
		}
	}
	for _, group := range slices.Sorted(maps.Keys(members)) {
		names = append(names, cobra.CompletionWithDesc(group, fmt.Sprintf("group of %d", members[group])))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// endpointFlag completes a flag to the name of an endpoint or of a group.
func (a *app) endpointFlag(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
	return a.endpointOrGroupNames(cmd, nil, text)
}

// sourceFlag completes a flag to the name of a source, also of the API's.
func (a *app) sourceFlag(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	client, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(completionContext(cmd), completionDeadline)
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := []string{cobra.CompletionWithDesc("api", "what was given to the daemon's API")}
	for _, source := range status.Sources {
		names = append(names, cobra.CompletionWithDesc(source.Name, source.Type))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// failureIDs completes arguments to the ids of failures.
func (a *app) failureIDs(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	client, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(completionContext(cmd), completionDeadline)
	defer cancel()
	page, err := client.Failures(ctx, api.FailureQuery{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ids := make([]string, len(page.Failures))
	for i, f := range page.Failures {
		ids[i] = cobra.CompletionWithDesc(f.ID, fmt.Sprintf("%s %s/%s %s", f.Endpoint, f.Object.Kind, f.Object.BaseID, f.Reason))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// assetIDs completes one argument to an asset's id.
func (a *app) assetIDs(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(completionContext(cmd), completionDeadline)
	defer cancel()
	page, err := client.Assets(ctx, api.Page{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ids := make([]string, len(page.Assets))
	for i, asset := range page.Assets {
		ids[i] = cobra.CompletionWithDesc(asset.ID.String(), asset.Title)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completionContext is the command's context; completing has none of its own.
func completionContext(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
