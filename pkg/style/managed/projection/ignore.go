package projection

import (
	"bytes"
	"fmt"
	"math"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
)

// DefaultIgnore returns the patterns of names that members have, in the DAMs
// that are known, which change without the asset having changed for anybody.
func DefaultIgnore() []string {
	return []string{
		// URLs are signed anew at each read, and expire; what lies behind them shows
		// in the file's size, hash and dimensions.
		"url", "*Url", "*Urls", "*_url", "*_urls", "*Uri", "*Uris", "*_uri", "href", "*Href",
		// When and by whom anything was changed changes with every field, also with
		// those that nobody asked for.
		"lastModified*", "last_modified*", "modified", "modified_*", "modifiedAt", "modifiedBy", "modifiedOn", "modifiedDate",
		"dateModified", "lastChanged*", "lastUpdated*", "last_updated*", "updated", "updatedAt", "updated_at", "updatedBy",
		"updated_by", "updatedOn", "updated_on", "etag",
		// Somebody has the asset open.
		"lockInfo", "isLocked", "lockedBy*", "locked_by*", "checkedOutBy*",
		// Counters go up, and their times on, when somebody looks.
		"viewCount", "view_count", "views", "downloadCount", "download_count", "downloads", "usageCount", "usage_count",
		"playCount", "plays", "hitCount", "hits", "lastViewed*", "last_viewed*", "lastAccessed*", "last_accessed*",
		"lastDownloaded*", "last_downloaded*", "lastUsed*", "last_used*",
		// These say what the reader may do, or with which session it was read.
		"hasWriteAccess", "writeAccess", "accessKey", "accessToken", "access_token", "sessionId",
	}
}

// ignored is a set of patterns, in lower case, those that are nothing more than
// a name, a beginning or an end apart: they are most, and quicker.
type ignored struct {
	names    map[string]bool
	prefixes []string
	suffixes []string
	patterns []string
	// may tells, by the first and the last character of a name, that something may match
	// it. Nothing matches most names, and that is the quickest way to know.
	may [letters]uint32
}

// letters is how many characters may tells apart: by the lowest bits of ASCII, which a
// letter has in either case.
const letters = 32

// noteMay notes that something matches names that begin or end so; 0: whatever they
// begin or end with.
func (g *ignored) noteMay(first, last byte) {
	mask := uint32(1) << (last % letters)
	if last == 0 {
		mask = math.MaxUint32
	}
	for c := range g.may {
		if first == 0 || int(first%letters) == c {
			g.may[c] |= mask
		}
	}
}

func newIgnored(patterns []string) (ignored, error) {
	g := ignored{names: make(map[string]bool)}
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return ignored{}, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		lower := strings.ToLower(pattern)
		switch special := strings.IndexAny(lower, `*?[\`); {
		case lower == "":
			g.names[lower] = true
		case special < 0:
			g.names[lower] = true
			g.noteMay(lower[0], lower[len(lower)-1])
		case special > 0 && special == len(lower)-1 && lower[special] == '*':
			g.prefixes = append(g.prefixes, lower[:special])
			g.noteMay(lower[0], 0)
		case len(lower) > 1 && lower[0] == '*' && !strings.ContainsAny(lower[1:], `*?[\`):
			g.suffixes = append(g.suffixes, lower[1:])
			g.noteMay(0, lower[len(lower)-1])
		default:
			g.patterns = append(g.patterns, lower)
			g.noteMay(0, 0)
		}
	}
	return g, nil
}

// match reports whether a name matches one of the patterns.
func (g *ignored) match(name []byte) bool {
	if len(name) > 0 {
		// What is no ASCII may become ASCII in lower case.
		first, last := name[0], name[len(name)-1]
		if first|last < utf8.RuneSelf && g.may[first%letters]>>(last%letters)&1 == 0 {
			return false
		}
	}
	var short [64]byte
	lower := metadata.AppendLower(short[:0], name)
	if g.names[string(lower)] {
		return true
	}
	if len(lower) == 0 {
		return g.matchPattern("")
	}
	for _, prefix := range g.prefixes { // of which none is empty, nor is a suffix
		if lower[0] == prefix[0] && bytes.HasPrefix(lower, []byte(prefix)) && bytes.IndexByte(lower[len(prefix):], '/') < 0 {
			return true
		}
	}
	last := lower[len(lower)-1]
	for _, suffix := range g.suffixes {
		if last == suffix[len(suffix)-1] && bytes.HasSuffix(lower, []byte(suffix)) && bytes.IndexByte(lower[:len(lower)-len(suffix)], '/') < 0 {
			return true
		}
	}
	return len(g.patterns) > 0 && g.matchPattern(string(lower))
}

func (g *ignored) matchPattern(lower string) bool {
	for _, pattern := range g.patterns {
		if matches, _ := path.Match(pattern, lower); matches { // checked by newIgnored
			return true
		}
	}
	return false
}
