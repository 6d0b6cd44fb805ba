package file

import (
	"context"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// idleShare bounds what looking costs while nothing happens: 1 part in 100.
	idleShare = 100
	// watchedShare bounds what looking for what a watch missed costs while
	// nothing happens, and what reading directories costs: 1 in 400 each.
	watchedShare = 400
	// busyShare bounds what looking costs when the source is woken: 1 in 5.
	busyShare = 4
)

// watcher wakes the source early. It never is the record of anything: whatever
// it misses, the next poll finds. Its zero value watches nothing.
type watcher struct {
	started bool // or not wanted
	notify  *fsnotify.Watcher
	dirs    map[string]bool
	covers  bool // every directory that was listed last
}

// heard is how many events wait to be heard, beside those in the kernel.
const heard = 1024

// start begins to watch where that costs one descriptor: other systems than
// Linux would open every file of a directory. Without a watch, the source polls.
func (w *watcher) start() {
	w.started = true
	if runtime.GOOS != "linux" {
		return
	}
	notify, err := fsnotify.NewBufferedWatcher(heard)
	if err != nil {
		return // the system has no instance left; polling does
	}
	w.notify, w.dirs = notify, make(map[string]bool)
}

// cover watches these directories and no others.
func (w *watcher) cover(dirs map[string]time.Time) {
	if !w.started {
		w.start()
	}
	if w.notify == nil {
		return
	}
	for dir := range dirs {
		if !w.dirs[dir] && w.notify.Add(dir) == nil {
			w.dirs[dir] = true
		}
	}
	for dir := range w.dirs {
		if _, ok := dirs[dir]; !ok {
			_ = w.notify.Remove(dir) // it is gone, or wakes us in vain
			delete(w.dirs, dir)
		}
	}
	w.covers = len(w.dirs) == len(dirs)
}

// note sees to it that a directory which is removed is watched when it is back.
func (w *watcher) note(event fsnotify.Event) {
	if w.dirs[event.Name] && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
		delete(w.dirs, event.Name)
		w.covers = false
	}
}

func (w *watcher) close() error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}

// wait returns when it is time for another look.
func (s *Source) wait(ctx context.Context) error {
	poll := time.NewTimer(s.pollAfter())
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
			return nil
		case event, ok := <-s.watch.events():
			if !ok {
				s.deafen()
				continue
			}
			s.hear(event)
			if s.concerns(event.Name) {
				return s.pause(ctx)
			}
		case _, ok := <-s.watch.errors():
			if !ok {
				s.deafen()
				continue
			}
			s.wakeAll()
			return s.pause(ctx) // an overflow: something has happened, so look
		}
	}
}

// pollAfter returns when to look again if nothing happens. What reading
// directories costs counts only if the next look will do so again.
func (s *Source) pollAfter() time.Duration {
	cost := idleShare * s.pollCost
	switch {
	case s.unsettled || s.surveysAlways():
		cost = idleShare * s.lookCost
	case s.watch.covers:
		cost = watchedShare * s.pollCost
	}
	return max(s.opts.PollInterval, cost)
}

// pause keeps looking from taking all of a core while the source is woken all
// the time. What else happened meanwhile is seen by the same look.
func (s *Source) pause(ctx context.Context) error {
	rest := time.NewTimer(busyShare*s.lookCost - s.clock().Sub(s.lookEnded))
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event, ok := <-s.watch.events():
			if !ok {
				s.deafen()
				continue
			}
			s.hear(event)
		case <-rest.C:
			return nil
		}
	}
}

// concerns reports whether a name is one that the pattern names.
func (s *Source) concerns(name string) bool {
	if !s.glob {
		return name == s.pattern
	}
	ok, err := filepath.Match(s.pattern, name)
	return err == nil && ok
}

func (w *watcher) events() <-chan fsnotify.Event {
	if w.notify == nil {
		return nil
	}
	return w.notify.Events
}

func (w *watcher) errors() <-chan error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Errors
}
