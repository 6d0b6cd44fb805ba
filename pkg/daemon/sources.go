package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/source/file"
)

// opener makes a source that goes on where it was read to.
type opener func(c config.Source, saved []source.Position) (source.Source, error)

// openers are the types of sources. A new one is a package beside the others and
// a line here.
func openers() map[string]opener {
	return map[string]opener{
		"file": func(c config.Source, saved []source.Position) (source.Source, error) {
			return file.New(c.Name, c.Path, saved, file.Options{})
		},
	}
}

// SourceTypes returns the types that a configuration may name.
func SourceTypes() []string { return slices.Sorted(maps.Keys(openers())) }

// openSource makes the source that a configuration describes.
func openSource(c config.Source, saved []source.Position) (source.Source, error) {
	open, ok := openers()[c.Type]
	if !ok {
		return nil, fmt.Errorf("unknown type %q (types: %s)", c.Type, strings.Join(SourceTypes(), ", "))
	}
	return open(c, saved)
}
