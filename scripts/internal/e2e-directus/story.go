package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// leastFiles is how many files the steps need.
const leastFiles = 60

// story is what the editor has done so far.
type story struct {
	*rig
	ids      []string          // of files, in the order of their upload
	next     int               // the first of ids that no step has touched yet
	contents map[string]string // by id: hex SHA-256
	hidden   int               // files that lie in a folder
}

// step is a thing that an editor does, and what is special about how it is told.
type step struct {
	name, what string
	do         func(ctx context.Context, s *story) ([]sighting, error)
	// meanwhile, if not nil, is done when Directus has told, in the place of waiting
	// until dz is idle.
	meanwhile func(ctx context.Context, s *story) error
	// check, if not nil, judges the step beyond comparing: by what had come before
	// and what has come now.
	check func(s *story, before, now tally) []string
}

// result is what became of a step.
type result struct {
	step              step
	files             int // that the receiver is to have
	events            uint64
	requests          int
	synced, forgotten int // actions
	took              time.Duration
	faults            []string
}

// tell performs all steps. It goes on after a step with differences, and ends
// with an error.
func tell(ctx context.Context, r *rig) ([]result, error) {
	s := &story{rig: r, contents: make(map[string]string)}
	var results []result
	for _, each := range steps() {
		fmt.Fprintf(r.stderr, "%s …\n", each.name)
		one, err := s.perform(ctx, each)
		results = append(results, one)
		for _, fault := range one.faults {
			fmt.Fprintf(r.stderr, "%s: %s\n", each.name, fault)
		}
		if err != nil {
			return results, fmt.Errorf("%s: %w", each.name, err)
		}
	}
	return results, nil
}

func (s *story) perform(ctx context.Context, each step) (result, error) {
	begun, before, heard := time.Now(), s.receiver.tally(), s.bridge.state()
	err := s.performed(ctx, each, heard.seen)
	now := s.receiver.tally()
	one := result{
		step: each, events: s.bridge.state().written - heard.written, requests: now.requests - before.requests, took: time.Since(begun),
		synced: count(now.syncs) - count(before.syncs), forgotten: count(now.deletes) - count(before.deletes),
		faults: slices.Clone(now.faults[len(before.faults):]),
	}
	if err != nil {
		one.faults = append(one.faults, "it broke off: "+err.Error())
		return one, err
	}
	said, err := s.site.admin.all(ctx)
	if err != nil {
		return one, err
	}
	want := shown(said)
	one.files = len(want)
	one.faults = append(one.faults, compare(want, s.contents, now.assets)...)
	if each.check != nil {
		one.faults = append(one.faults, each.check(s, before, now)...)
	}
	return one, nil
}

// performed does the step, and waits until all of it has arrived.
func (s *story) performed(ctx context.Context, each step, heard map[sighting]int) error {
	expected, err := each.do(ctx, s)
	if err != nil {
		return err
	}
	if err := s.heard(ctx, expected, heard); err != nil {
		return err
	}
	if each.meanwhile != nil {
		if err := each.meanwhile(ctx, s); err != nil {
			return err
		}
	}
	return s.settle(ctx)
}

// take returns so many files that no step has touched yet.
func (s *story) take(n int) []string {
	taken := s.ids[s.next : s.next+n]
	s.next += n
	return taken
}

// upload uploads so many new files.
func (s *story) upload(ctx context.Context, n int) ([]sighting, error) {
	var expected []sighting
	for range n {
		number := len(s.ids) + 1
		content := fmt.Sprintf("This is file %d.\n", number)
		id, err := s.site.admin.upload(ctx, "", fmt.Sprintf("File %d", number), fmt.Sprintf("file-%d.txt", number), content)
		if err != nil {
			return nil, err
		}
		s.ids, s.contents[id] = append(s.ids, id), sum([]byte(content))
		expected = append(expected, sighting{uploaded, id})
	}
	return expected, nil
}

// change changes members of files, with one request for all of them.
func (s *story) change(ctx context.Context, ids []string, members map[string]any) ([]sighting, error) {
	return about(updated, ids), s.site.admin.update(ctx, ids, members)
}

// changeEach changes each file with a request of its own.
func (s *story) changeEach(ctx context.Context, ids []string, members func(id string) map[string]any) ([]sighting, error) {
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.site.admin.update(ctx, []string{id}, members(id)))
	}
	return about(updated, ids), errors.Join(errs...)
}

// replace gives files another content, under another name.
func (s *story) replace(ctx context.Context, ids []string) ([]sighting, error) {
	var errs []error
	for i, id := range ids {
		content := fmt.Sprintf("This is another content, the %dth: %s\n", i, id)
		_, err := s.site.admin.upload(ctx, id, "", fmt.Sprintf("replaced-%d.txt", i), content)
		s.contents[id] = sum([]byte(content))
		errs = append(errs, err)
	}
	return about(uploaded, ids), errors.Join(errs...)
}

// remove deletes files, with one request for all of them.
func (s *story) remove(ctx context.Context, ids []string) ([]sighting, error) {
	for _, id := range ids {
		delete(s.contents, id)
	}
	return about(deleted, ids), s.site.admin.remove(ctx, ids)
}

func about(event string, ids []string) []sighting {
	list := make([]sighting, len(ids))
	for i, id := range ids {
		list[i] = sighting{event, id}
	}
	return list
}

func count(byID map[string]int) (n int) {
	for _, each := range byID {
		n += each
	}
	return n
}
