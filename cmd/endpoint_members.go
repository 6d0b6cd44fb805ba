package cmd

import (
	"context"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
)

// members are the endpoints that a name stands for: the one of that name, or those of
// the group.
type members struct {
	names []string
	group bool
}

// withMembers does something with the endpoint of a name or, if there is none, with
// those of the group of that name. do is tried with the endpoint first: that there is
// none, it must find before it has done or asked anything.
func (s session) withMembers(ctx context.Context, name string, do func(members) error) error {
	err := do(members{names: []string{name}})
	if !isNotFound(err) {
		return err
	}
	list, groupErr := s.client.Group(ctx, name, false)
	if groupErr != nil {
		return err // it names the nearest of both kinds
	}
	return do(members{names: meant[api.Endpoint]{list: list}.names(endpointName), group: true})
}

// about says of which member a sentence is, where there are several.
func (m members) about(name, sentence string) string {
	if m.group {
		return name + ": " + sentence
	}
	return sentence
}

// memberResult is what a command did to one endpoint.
type memberResult struct {
	value    any // for scripts
	name     string
	sentence string
	bad      bool // the command fails, and the sentence says why
}

// each does something to one member after another, each with the whole time to
// answer, and prints what was done to all of them.
func (m members) each(ctx context.Context, s session, do func(name string) (memberResult, error)) error {
	done, errs := collect(ctx, s, m.names, do)
	return m.report(s, done, errs)
}

// report prints what was done to members. It fails with what went wrong with others, or
// if what was done is bad.
func (m members) report(s session, done []memberResult, errs []error) error {
	if len(done) == 0 {
		return together(errs)
	}
	values, names, sentences := make([]any, len(done)), make([]string, len(done)), make([]string, len(done))
	for i, one := range done {
		values[i], names[i], sentences[i] = one.value, one.name, one.sentence
	}
	value := values[0]
	if m.group {
		value = values
	}
	if err := s.out.Lines(value, names, sentences); err != nil {
		return err
	}
	if len(errs) == 0 && slices.ContainsFunc(done, func(one memberResult) bool { return one.bad }) {
		return errSilent
	}
	return together(errs)
}

// collect returns what was done with each of several. What goes wrong with one keeps
// none of the others from being done.
func collect[T, R any](ctx context.Context, s session, list []T, do func(T) (R, error)) (done []R, errs []error) {
	for _, one := range list {
		s.resume()
		result, err := do(one)
		if err != nil {
			errs = append(errs, err)
		} else {
			done = append(done, result)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return done, errs
}

// together makes one error of several, with a line each. Its code is that of the first.
func together(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	first := describe(errs[0])
	alike := !slices.ContainsFunc(errs, func(err error) bool { return describe(err).Hint != first.Hint })
	lines := make([]string, len(errs))
	for i, err := range errs {
		one := describe(err)
		if lines[i] = one.Message; !alike && one.Hint != "" {
			lines[i] += ": " + one.Hint
		}
	}
	all := &api.Error{Code: first.Code, Message: strings.Join(lines, "\n")}
	if alike {
		all.Hint = first.Hint
	}
	return all
}
