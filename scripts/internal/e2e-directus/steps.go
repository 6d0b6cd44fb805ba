package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// edits are how often a file is changed in a burst.
const edits = 30

// steps are what the editor does, in this order.
func steps() []step { return slices.Concat(changes, resyncs) }

// changes are told by Directus' Flow.
var changes = []step{
	{name: "upload", what: "new files", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.upload(ctx, s.opts.files)
	}},
	{name: "edit", what: "title and description of ten files", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.changeEach(ctx, s.take(10), retitled("edited"))
	}},
	{name: "bulk", what: "tags of eight files with one request", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.change(ctx, s.take(8), map[string]any{"tags": []string{"spring", "smørrebrød"}})
	}},
	{name: "asked", what: "a metadata field that the receiver has asked for", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.change(ctx, s.take(2), map[string]any{"metadata": map[string]any{"Copyright": "The museum"}})
	}},
	{name: "unasked", what: "one that it has not: it hears nothing", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.change(ctx, s.take(3), map[string]any{"metadata": map[string]any{"Internal": "shelf 7"}})
	}, check: untold},
	{name: "burst", what: fmt.Sprintf("one file, %d times", edits), do: burst, check: coalesced},
	{name: "replace", what: "the content of six files", do: func(ctx context.Context, s *story) ([]sighting, error) {
		return s.replace(ctx, s.take(6))
	}},
	{name: "hide", what: "four files where dz's user may not look: gone", do: hide, check: deletions(4)},
	{name: "show", what: "two of them again: new", do: func(ctx context.Context, s *story) ([]sighting, error) {
		s.hidden -= 2
		return s.change(ctx, s.ids[s.next-4:s.next-2], map[string]any{"folder": nil})
	}, check: created(2)},
	{name: "delete", what: "three files one by one, three at once", do: func(ctx context.Context, s *story) ([]sighting, error) {
		var expected []sighting
		for _, ids := range [][]string{s.take(1), s.take(1), s.take(1), s.take(3)} {
			about, err := s.remove(ctx, ids)
			if err != nil {
				return nil, err
			}
			expected = append(expected, about...)
		}
		return expected, nil
	}, check: deletions(6)},
	{name: "down", what: "edits, deletions and uploads while the receiver is down", do: func(ctx context.Context, s *story) ([]sighting, error) {
		s.receiver.setDown(true)
		return s.mixture(ctx)
	}, meanwhile: comeBack},
	{name: "forbidden", what: "the same while dz's user may read nothing", do: func(ctx context.Context, s *story) ([]sighting, error) {
		if err := s.site.forbid(ctx); err != nil {
			return nil, err
		}
		return s.mixture(ctx)
	}, meanwhile: permitAgain, check: deletions(1)},
}

// retitled gives a file a title and a description of its own.
func retitled(word string) func(id string) map[string]any {
	return func(id string) map[string]any {
		return map[string]any{"title": fmt.Sprintf("%s %.8s", word, id), "description": "“" + word + "” ✓"}
	}
}

// mixture edits two files, deletes one and uploads one.
func (s *story) mixture(ctx context.Context) ([]sighting, error) {
	edited, err := s.changeEach(ctx, s.take(2), retitled("mixed"))
	if err != nil {
		return nil, err
	}
	removed, err := s.remove(ctx, s.take(1))
	if err != nil {
		return nil, err
	}
	added, err := s.upload(ctx, 1)
	return slices.Concat(edited, removed, added), err
}

func burst(ctx context.Context, s *story) ([]sighting, error) {
	ids := s.take(1)
	for i := range edits {
		if err := s.site.admin.update(ctx, ids, map[string]any{"title": fmt.Sprintf("Take %d", i+1)}); err != nil {
			return nil, err
		}
	}
	return about(updated, ids), nil
}

func hide(ctx context.Context, s *story) ([]sighting, error) {
	s.hidden += 4
	return s.change(ctx, s.take(4), map[string]any{"folder": s.site.folder})
}

// comeBack lets the receiver come back once dz has met it down.
func comeBack(ctx context.Context, s *story) error {
	before := s.receiver.tally().refused
	err := process.Until(ctx, lookEvery, settleWithin, "dz tries the receiver that is down", func() (bool, error) {
		return s.receiver.tally().refused > before, nil
	})
	s.receiver.setDown(false)
	return err
}

// permitAgain gives dz's user its right back once dz has been refused.
func permitAgain(ctx context.Context, s *story) error {
	err := process.Until(ctx, lookEvery, settleWithin, "dz says that Directus refuses", func() (bool, error) {
		now, err := s.status(ctx)
		return err == nil && slices.ContainsFunc(now.Endpoints, func(e api.EndpointStatus) bool {
			return strings.Contains(e.LastError, "403")
		}), err
	})
	return errors.Join(err, s.site.permit(ctx))
}
