package file

import (
	"path/filepath"
	"strings"
)

// isPattern reports whether a path has the meta characters of filepath.Match.
func isPattern(path string) bool { return strings.ContainsAny(path, `*?[\`) }

// isSibling reports whether a file of this name may have been rotated away from
// base: events.ndjson.1, events.ndjson-20261121, events.ndjson.old.gz, and, with
// the ending kept, events-2026-11-21.ndjson or events.1.ndjson.gz.
func isSibling(base, name string) bool {
	if name == base {
		return false
	}
	if strings.HasPrefix(name, base) {
		return true
	}
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if ext == "" || stem == "" {
		return false
	}
	middle, ok := strings.CutPrefix(strings.TrimSuffix(name, ".gz"), stem)
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, ext)
	return ok && len(middle) > 1 && strings.ContainsRune("-._", rune(middle[0])) &&
		'0' <= middle[1] && middle[1] <= '9'
}

// leftovers are endings of names that rotation does not leave behind.
var leftovers = [...]string{"~", ".bak", ".lock", ".offset", ".part", ".pos", ".swp", ".tmp"}

// isLeftover reports whether a sibling that is not known by its content is
// better left alone.
func isLeftover(name string) bool {
	for _, ending := range leftovers {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// foreign are the endings of compressions other than gzip.
var foreign = [...]string{".zst", ".xz", ".bz2", ".lz4", ".lzma", ".Z", ".zip", ".7z"}

// compression returns the ending of a name that says it is compressed in a way
// which can't be read here, or "".
func compression(name string) string {
	for _, ending := range foreign {
		if strings.HasSuffix(name, ending) {
			return ending
		}
	}
	return ""
}
