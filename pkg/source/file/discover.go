package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

// entry is a regular file that a listing found.
type entry struct {
	path     string
	id       fileID
	size     int64
	modified time.Time
	target   bool     // the pattern names it
	linked   bool     // its path is a symbolic link
	of       []string // the tailed paths that its name says it was rotated away from

	owner  *stream // whose content it has
	unread bool    // it may be that of a stream which has read nothing

	// What peek finds out.
	head   []byte // the first bytes of its text
	zipped bool
	torn   error // of a compressed file: why head may be short
	grown  bool  // its size was another when it was opened last
	moved  bool  // its name led to another file when it was opened last
}

// looks are what a file shows of itself without being read.
type looks struct {
	path     string
	size     int64
	modified int64
}

func (e *entry) looks() looks { return looks{e.path, e.size, e.modified.UnixNano()} }

// listing is what there is at one moment, as nearly as directories can be read
// at one moment.
type listing struct {
	glob    bool
	entries []*entry
	byPath  map[string]*entry
	byID    map[fileID]*entry
	// families are the streams of every path, as they were before the listing.
	families map[string][]*stream
	// adrift are the streams that their numbers did not lead to.
	adrift []*stream
	// settled directories were read and have something in them. One that is
	// empty or missing may be a file system that is not mounted: it is no proof
	// that a file is gone.
	settled map[string]bool
	stamps  map[string]time.Time // the directories' times, taken before they were read
	trouble []error
	// deferred are the tailed paths with files that may turn out to be news.
	deferred map[string]bool
}

// base is a path whose rotated siblings are looked for.
type base struct {
	path string
	of   string // the tailed path: path itself, unless that is a symbolic link
}

// list finds the files that the pattern names and the siblings of every path
// that is or was tailed.
func (s *Source) list() *listing {
	l := &listing{
		glob: s.glob, byPath: make(map[string]*entry), byID: make(map[fileID]*entry), families: make(map[string][]*stream),
		deferred: make(map[string]bool),
		settled:  make(map[string]bool), stamps: make(map[string]time.Time),
	}
	bases := make(map[base]bool)
	for _, path := range s.targets(l) {
		e := l.add(path, true)
		bases[base{path, path}] = true
		if end := linked(path); end != "" {
			bases[base{end, path}] = true
			if e != nil {
				e.linked = true
			}
		}
	}
	for _, st := range s.streams {
		l.families[st.path] = append(l.families[st.path], st)
		bases[base{st.path, st.path}] = true
	}
	byDir := make(map[string][]base)
	for b := range bases {
		byDir[filepath.Dir(b.path)] = append(byDir[filepath.Dir(b.path)], b)
	}
	for dir, bases := range byDir {
		l.addSiblings(dir, bases)
	}
	return l
}

// linked returns where a symbolic link leads, "" if path is none.
func linked(path string) string {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	end, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "" // it leads nowhere yet
	}
	return end
}

// targets returns the paths that the pattern names, whether or not they exist.
func (s *Source) targets(l *listing) []string {
	if !s.glob {
		return []string{s.pattern}
	}
	paths, err := filepath.Glob(s.pattern)
	if err != nil {
		l.trouble = append(l.trouble, err)
	}
	if len(paths) == 0 {
		// Glob is silent about directories that it can't read.
		l.names(s.root())
	}
	return paths
}

// root returns the longest directory of the pattern without meta characters.
func (s *Source) root() string {
	dir := filepath.Dir(s.pattern)
	for isPattern(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}

// names reads a directory, in order.
func (l *listing) names(dir string) []string {
	if info, err := os.Stat(dir); err == nil {
		l.stamps[dir] = info.ModTime()
	} else {
		l.stamps[dir] = time.Time{}
	}
	d, err := os.Open(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.trouble = append(l.trouble, err)
		}
		return nil
	}
	defer closeRead(d)
	names, err := d.Readdirnames(-1)
	if err != nil {
		l.trouble = append(l.trouble, fmt.Errorf("read directory %s: %w", dir, err))
		return nil
	}
	l.settled[dir] = len(names) > 0
	slices.Sort(names)
	return names
}

func (l *listing) addSiblings(dir string, bases []base) {
	names := l.names(dir)
	for _, b := range bases {
		name := filepath.Base(b.path)
		stem := strings.TrimSuffix(name, filepath.Ext(name))
		for i := sort.SearchStrings(names, stem); i < len(names) && strings.HasPrefix(names[i], stem); i++ {
			if !isSibling(name, names[i]) {
				continue
			}
			if e := l.add(filepath.Join(dir, names[i]), false); e != nil && !slices.Contains(e.of, b.of) {
				e.of = append(e.of, b.of)
			}
		}
	}
}

// add looks at one path. It returns nil if there is no regular file.
func (l *listing) add(path string, target bool) *entry {
	if e := l.byPath[path]; e != nil {
		return e
	}
	info, err := os.Stat(path)
	if err != nil {
		if target && !errors.Is(err, fs.ErrNotExist) {
			l.trouble = append(l.trouble, err)
		}
		return nil
	}
	if err := refuse(path, info.Mode()); err != nil {
		if target && (!l.glob || !info.IsDir()) {
			l.trouble = append(l.trouble, err)
		}
		return nil
	}
	id, err := identify(info)
	if err != nil {
		l.trouble = append(l.trouble, err)
		return nil
	}
	e := l.byID[id]
	if e == nil {
		e = &entry{path: path, id: id, size: info.Size(), modified: info.ModTime(), target: target}
		l.byID[id] = e
		l.entries = append(l.entries, e)
	}
	l.byPath[path] = e
	if e.target && !target && e.path != path {
		l.recheck(e, path)
	}
	return e
}

// recheck decides about an entry with a second name. Two names of one file are
// one file; but it may also have been renamed while the listing was made, and
// then the first name is another's by now.
func (l *listing) recheck(e *entry, name string) {
	info, err := os.Stat(e.path)
	if err == nil {
		if id, err := identify(info); err == nil && id == e.id {
			return
		}
	}
	// What is at the path now may be newer than the names that were read: leave
	// it to the next listing.
	delete(l.byPath, e.path)
	e.path, e.target = name, false
}

// peek reads the beginning of the entry's text.
func (e *entry) peek(open func(string) (*os.File, error)) error {
	if e.head != nil {
		return nil
	}
	return e.with(open, func(r content) error {
		head, err := readAt(r, make([]byte, headLength), 0)
		var damage damageError
		if errors.As(err, &damage) {
			e.torn, err = err, nil
		}
		e.head = head
		return err
	})
}

// with opens the entry's text for as long as f runs.
func (e *entry) with(open func(string) (*os.File, error), f func(content) error) error {
	file, err := open(e.path)
	if errors.Is(err, fs.ErrNotExist) {
		e.moved = true
		return errChanged
	}
	if err != nil {
		return err
	}
	defer closeRead(file)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	id, err := identify(info)
	if err != nil {
		return err
	}
	if id != e.id {
		e.moved = true
		return errChanged
	}
	e.grown = info.Size() != e.size
	magic, err := readAt(file, make([]byte, 2), 0)
	if err != nil {
		return err
	}
	e.zipped = isZipped(magic)
	if e.zipped {
		return f(&inflater{file: file})
	}
	return f(file)
}
