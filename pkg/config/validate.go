package config

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
)

// minStoreSize is the least limit of the store: below it a slip is likelier
// than a wish ("20" for 20GiB).
const minStoreSize = 1 << 20

// maxSourceName is the longest name of a source in bytes.
const maxSourceName = 64

// validate checks what one value alone doesn't show.
func (c *Config) validate(opts Options) error {
	var errs []error
	fail := func(key, format string, args ...any) {
		err := fmt.Errorf(format, args...)
		if from := c.Origins[key]; from != "" {
			err = fmt.Errorf("%s: %w", from, err)
		}
		errs = append(errs, err)
	}
	if c.Store.Path == "" {
		fail(keyStorePath, "store.path has no default without HOME or XDG_STATE_HOME: set it, or %s", variable(keyStorePath))
	}
	if c.Socket.Path == "" {
		fail(keySocketPath, "%w", errNoSocket())
	} else if err := checkSocketPath(c.Socket.Path, runtime.GOOS); err != nil {
		fail(keySocketPath, "%w", err)
	}
	if c.Store.MaxSize > 0 && c.Store.MaxSize < minStoreSize {
		fail(keyStoreMaxSize, "store.max_size %s is less than %s; 0 is unlimited", c.Store.MaxSize, Size(minStoreSize))
	}
	if c.Store.MaxSize > 0 && c.Store.Events.MaxSize > c.Store.MaxSize {
		fail(keyEventsMaxSize, "store.events.max_size %s is more than store.max_size %s", c.Store.Events.MaxSize, c.Store.MaxSize)
	}
	if c.Debouncing.MaxWait < c.Debouncing.Interval {
		fail(keyMaxWait, "debouncing.max_wait %s is less than debouncing.interval %s", c.Debouncing.MaxWait, c.Debouncing.Interval)
	}
	c.validateCatalogue(fail)
	types := opts.SourceTypes
	if types == nil {
		types = []string{"file"}
	}
	validName := regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	names := map[string]int{}
	for i, source := range c.Sources {
		key := sourceKey(i)
		required := func(name, value string) bool {
			if value == "" {
				fail(key, "%s has no %s", key, name)
			}
			return value != ""
		}
		if required("name", source.Name) {
			if !validName.MatchString(source.Name) || len(source.Name) > maxSourceName {
				fail(key+".name", "%s.name %q: write letters, digits, '.', '_' and '-', at most %d", key, source.Name, maxSourceName)
			}
			if first, repeated := names[source.Name]; repeated {
				fail(key+".name", "%s.name %q is that of %s already", key, source.Name, sourceKey(first))
			} else {
				names[source.Name] = i
			}
		}
		if required("type", source.Type) && !slices.Contains(types, source.Type) {
			fail(key+".type", "%s.type %q is none of %s%s", key, source.Type, strings.Join(types, ", "), suggest.Clause(source.Type, types))
		}
		required("path", source.Path)
	}
	return errors.Join(errs...)
}

// checkSocketPath refuses a path that bind(2) would: sun_path holds 108 bytes
// on Linux and 104 elsewhere, one of them the zero at its end (unix(7)).
func checkSocketPath(path, goos string) error {
	limit := 103
	if goos == "linux" {
		limit = 107
	}
	if len(path) <= limit {
		return nil
	}
	return fmt.Errorf("socket path %s is %d bytes long; a UNIX socket's may have %d: set a shorter socket.path, %s or --socket",
		path, len(path), limit, variableSocket)
}

func errNoSocket() error {
	return fmt.Errorf("socket.path has no default without HOME, XDG_RUNTIME_DIR or XDG_STATE_HOME: set it, %s or --socket", variableSocket)
}
