package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// keySources is the one key whose value is a list of sections.
const keySources = "sources"

// Keys of settings whose default, or whose soundness, depends on other things.
const (
	keyStorePath     = "store.path"
	keyStoreMaxSize  = "store.max_size"
	keyEventsMaxSize = "store.events.max_size"
	keyKeyFile       = "secrets.key_file"
	keySocketPath    = "socket.path"
	keyInterval      = "debouncing.interval"
	keyMaxWait       = "debouncing.max_wait"
)

// setting is one key of the configuration.
type setting struct {
	key      string // lower case, dotted
	fallback any    // its default
	list     bool   // of what read returns
	numeric  bool   // may be written as a bare number
	read     func(text string, from origin) (any, error)
	value    func(c *Config) any // of a configuration in effect
}

// settings returns every key but that of the sources, in the order of the
// documentation.
func settings() []setting {
	return slices.Concat([]setting{
		{key: keyStorePath, fallback: "", read: readPath, value: func(c *Config) any { return c.Store.Path }},
		{key: keyStoreMaxSize, fallback: Size(20 << 30), numeric: true, read: readSize, value: func(c *Config) any { return c.Store.MaxSize }},
		{key: "store.compact", fallback: CompactAuto, read: readCompact, value: func(c *Config) any { return c.Store.Compact }},
		{key: "store.events.keep", fallback: 7 * 24 * hour, numeric: true, read: readSpan, value: func(c *Config) any { return c.Store.Events.Keep }},
		{key: keyEventsMaxSize, fallback: Size(256 << 20), numeric: true, read: readSize, value: func(c *Config) any { return c.Store.Events.MaxSize }},
		{key: keyKeyFile, fallback: "", read: readPath, value: func(c *Config) any { return c.Secrets.KeyFile }},
		{key: keySocketPath, fallback: "", read: readPath, value: func(c *Config) any { return c.Socket.Path }},
		{key: "socket.group", fallback: "", numeric: true, read: readText, value: func(c *Config) any { return c.Socket.Group }},
		{key: "socket.view_group", fallback: "", numeric: true, read: readText, value: func(c *Config) any { return c.Socket.ViewGroup }},
		{key: keyInterval, fallback: endpoint.DefaultInterval, numeric: true, read: readSpan, value: func(c *Config) any { return c.Debouncing.Interval }},
		{key: keyMaxWait, fallback: endpoint.DefaultMaxWait, numeric: true, read: readSpan, value: func(c *Config) any { return c.Debouncing.MaxWait }},
		{key: "network.deny", fallback: []any{}, list: true, read: readPrefix, value: func(c *Config) any { return c.Network.Deny }},
		{key: "network.allow", fallback: []any{}, list: true, read: readPrefix, value: func(c *Config) any { return c.Network.Allow }},
	}, catalogueSettings(), []setting{
		{key: "log.level", fallback: slog.LevelInfo, read: readLevel, value: func(c *Config) any { return strings.ToLower(c.Log.Level.String()) }},
		{key: "log.format", fallback: FormatAuto, read: readFormat, value: func(c *Config) any { return c.Log.Format }},
		{key: "metrics.listen", fallback: "", read: readListen, value: func(c *Config) any { return c.Metrics.Listen }},
	})
}

const hour = timespan.Span(3600e9)

// variable returns the name of the variable that sets a key.
func variable(key string) string {
	return "DZ_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// keys returns the dotted names of every setting, the sources included.
func keys() []string {
	var names []string
	for _, s := range settings() {
		names = append(names, s.key)
	}
	return append(names, keySources)
}

func readText(text string, _ origin) (any, error) { return strings.TrimSpace(text), nil }

func readSize(text string, _ origin) (any, error) { return ParseSize(text) }

func readSpan(text string, _ origin) (any, error) { return timespan.Parse(text) }

// readPath resolves a path against where it was written.
func readPath(text string, from origin) (any, error) {
	if text == "" {
		return nil, errors.New("a path is empty")
	}
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("a path holds a zero byte")
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		if from.home == "" {
			return nil, fmt.Errorf("%s: there is no home directory; write the path in full", text)
		}
		return filepath.Join(from.home, rest), nil
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text), nil
	}
	return filepath.Join(from.folder, text), nil
}

// readPrefix reads a network, or an address as the network that holds only it.
func readPrefix(text string, _ origin) (any, error) {
	text = strings.TrimSpace(text)
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return nil, fmt.Errorf(`%q is no network: write "10.0.0.0/8", "fd00::/8" or an address`, text)
		}
		prefix = netip.PrefixFrom(address, address.BitLen())
	}
	return prefix.Masked(), nil
}

func readLevel(text string, _ origin) (any, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[strings.ToLower(text)]
	if !ok {
		return nil, notOneOf(text, "debug", "info", "warn", "error")
	}
	return level, nil
}

func readFormat(text string, _ origin) (any, error) {
	format := strings.ToLower(text)
	switch format {
	case FormatAuto, FormatText, FormatJSON:
		return format, nil
	default:
		return nil, notOneOf(text, FormatAuto, FormatText, FormatJSON)
	}
}

func readCompact(text string, _ origin) (any, error) {
	when := strings.ToLower(text)
	switch when {
	case CompactAuto, CompactAlways, CompactNever:
		return when, nil
	default:
		return nil, notOneOf(text, CompactAuto, CompactAlways, CompactNever)
	}
}

func readListen(text string, _ origin) (any, error) {
	if text == "" {
		return "", nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return nil, fmt.Errorf(`%q is no address to listen on: write host:port, as in "127.0.0.1:9464"`, text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return text, nil
}

func notOneOf(text string, allowed ...string) error {
	return fmt.Errorf("%q is none of %s%s", text, strings.Join(allowed, ", "), suggest.Clause(text, allowed))
}
