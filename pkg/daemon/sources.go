package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/source/file"
)

// opener makes a source that goes on where it was read to. room says how many
// events are taken in at once.
type opener func(c config.Source, saved []source.Position, room func() int) (source.Source, error)

// openers are the types of sources. A new one is a package beside the others and
// a line here.
func openers() map[string]opener {
	return map[string]opener{
		"file": func(c config.Source, saved []source.Position, room func() int) (source.Source, error) {
			return file.New(c.Name, c.Path, saved, file.Options{Room: room})
		},
	}
}

// SourceTypes returns the types that a configuration may name.
func SourceTypes() []string { return slices.Sorted(maps.Keys(openers())) }

// openSource makes the source that a configuration describes.
func openSource(c config.Source, saved []source.Position, room func() int) (source.Source, error) {
	open, ok := openers()[c.Type]
	if !ok {
		return nil, fmt.Errorf("unknown type %q (types: %s)", c.Type, strings.Join(SourceTypes(), ", "))
	}
	return open(c, saved, room)
}

// applySources starts the sources that are new, and stops those that are not
// wanted any more. Sources that stay are left alone.
//
// One that can't be opened is an error, and hinders no other: if it is to take
// the place of a running one, that one stays.
func (d *Daemon) applySources(ctx context.Context, wanted []config.Source) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	keep := make(map[string]bool)
	var errs []error
	for _, s := range wanted {
		keep[s.Name] = true
		if running, ok := d.feeds[s.Name]; ok {
			if running.path == s.Path && running.kind == s.Type {
				continue
			}
		}
		if err := d.startFeed(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("source %s: %w", s.Name, err))
		}
	}
	for name, running := range d.feeds {
		if keep[name] || d.opts.Sources[name] != nil {
			continue
		}
		delete(d.feeds, name)
		errs = append(errs, running.stop())
		d.log.Info("source removed", "source", name)
	}
	for name, src := range d.opts.Sources {
		if d.feeds[name] == nil {
			d.runFeed(ctx, &feed{name: name, source: src})
		}
	}
	return errors.Join(errs...)
}

// startFeed starts a source, in the place of the running one of that name.
func (d *Daemon) startFeed(ctx context.Context, c config.Source) error {
	if _, err := openSource(c, nil, d.intake.room); err != nil {
		return err
	}
	if running, ok := d.feeds[c.Name]; ok {
		delete(d.feeds, c.Name)
		if err := running.stop(); err != nil {
			return err
		}
	}
	saved, err := d.store.Positions(ctx, c.Name)
	if err != nil {
		return err
	}
	src, err := openSource(c, saved, d.intake.room)
	if err != nil {
		return err
	}
	d.runFeed(ctx, &feed{name: c.Name, kind: c.Type, path: c.Path, source: src})
	return nil
}

func (d *Daemon) runFeed(ctx context.Context, f *feed) {
	ctx, f.cancel = context.WithCancel(ctx)
	f.done = make(chan struct{})
	d.feeds[f.name] = f
	go f.run(ctx, d.intake)
}

// stop ends a feed; what it has returned and not yet made durable is read again.
func (f *feed) stop() error {
	f.cancel()
	<-f.done
	if err := f.source.Close(); err != nil {
		return fmt.Errorf("close source %s: %w", f.name, err)
	}
	return nil
}

func (d *Daemon) stopFeeds() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for name, f := range d.feeds {
		errs = append(errs, f.stop())
		delete(d.feeds, name)
	}
	return errors.Join(errs...)
}

func (d *Daemon) allFeeds() []*feed {
	d.mu.Lock()
	defer d.mu.Unlock()
	feeds := make([]*feed, 0, len(d.feeds))
	for _, f := range d.feeds {
		feeds = append(feeds, f)
	}
	slices.SortFunc(feeds, func(a, b *feed) int { return strings.Compare(a.name, b.name) })
	return feeds
}
