// Package config owns the daemon's configuration: which settings exist, where
// each is looked for, and what a sound value is.
//
// It guarantees:
//   - A Config that Load returns is complete and sound; nothing has to be
//     checked or defaulted again.
//   - Nothing written is passed over: an unknown or repeated key and a value
//     that can't be read are errors, all reported at once, each with its file
//     and line.
//   - The result depends on Options alone, never on the process around it.
//
// It does not know what the settings are for: it opens no store, listens on no
// socket and reads no source.
package config

import (
	"log/slog"
	"net/netip"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Config is the daemon's configuration in effect. Its paths are absolute, or
// relative to the working directory if the file's own name, a variable or a flag
// is.
type Config struct {
	Store      Store      `mapstructure:"store"`
	Secrets    Secrets    `mapstructure:"secrets"`
	Socket     Socket     `mapstructure:"socket"`
	Debouncing Debouncing `mapstructure:"debouncing"`
	Network    Network    `mapstructure:"network"`
	Catalogue  Catalogue  `mapstructure:"catalogue"`
	Log        Log        `mapstructure:"log"`
	Metrics    Metrics    `mapstructure:"metrics"`
	Sources    []Source   `mapstructure:"sources"`

	// File is the configuration file that was read; "" if there was none.
	File string `mapstructure:"-"`

	// Origins says where a setting comes from: "file:line", the name of a
	// variable, or a flag. A key that is not in it has its default.
	Origins map[string]string `mapstructure:"-"`

	// Warnings are for people: what was seen and had no effect.
	Warnings []string `mapstructure:"-"`
}

// Store is where what must not be lost is kept.
type Store struct {
	Path    string `mapstructure:"path"`
	MaxSize Size   `mapstructure:"max_size"` // of the file; 0 is unlimited
	Compact string `mapstructure:"compact"`  // at start: one of the Compact constants
	Events  Events `mapstructure:"events"`
}

// When the store's file is compacted as the daemon starts.
const (
	CompactAuto   = "auto" // if it is large, mostly free, and quickly done
	CompactAlways = "always"
	CompactNever  = "never"
)

// Events is the ring of recent events kept for looking back and replay. It ends
// at whichever limit is reached first; 0 in either turns it off.
type Events struct {
	Keep    timespan.Span `mapstructure:"keep"`
	MaxSize Size          `mapstructure:"max_size"`
}

// Secrets is what secrets in the store are sealed with.
type Secrets struct {
	// KeyFile holds the key. What Load returns is never "": without a setting it
	// is the service manager's credential CredentialName, or lies beside the store.
	KeyFile string `mapstructure:"key_file"`
}

// MayMakeKey reports whether dz makes the key file where there is none: the one
// beside the store, which nobody else is to bring.
func (c *Config) MayMakeKey() bool { return c.Secrets.KeyFile == keyBesideStore(c.Store.Path) }

func keyBesideStore(path string) string { return path + ".key" }

// CredentialName is the name of the credential that holds the key (systemd's
// LoadCredential=).
const CredentialName = "dz.key"

// Socket is where commands reach the daemon, and who may.
type Socket struct {
	Path      string `mapstructure:"path"`
	Group     string `mapstructure:"group"`      // its members may write; "" is nobody
	ViewGroup string `mapstructure:"view_group"` // its members may read; "" is nobody
}

// Debouncing is how long a change is held back where the endpoint does not say.
type Debouncing struct {
	Interval timespan.Span `mapstructure:"interval"` // quiet window
	MaxWait  timespan.Span `mapstructure:"max_wait"` // its ceiling, ≥ Interval
}

// Window returns the debounce as endpoints compute with it.
func (d Debouncing) Window() endpoint.Window {
	return endpoint.Window{Interval: d.Interval.Std(), MaxWait: d.MaxWait.Std()}
}

// Network is which addresses are dialled. Both lists are masked, never nil, and
// come on top of what is refused by default; Allow goes before Deny.
type Network struct {
	Deny  []netip.Prefix `mapstructure:"deny"`
	Allow []netip.Prefix `mapstructure:"allow"`
}

// Log is what the daemon says about itself.
type Log struct {
	Level  slog.Level `mapstructure:"level"`
	Format string     `mapstructure:"format"` // one of the Format constants
}

// The forms of a log.
const (
	FormatAuto = "auto" // text on a terminal, JSON otherwise
	FormatText = "text"
	FormatJSON = "json"
)

// Metrics is where they can be had beside the socket.
type Metrics struct {
	Listen string `mapstructure:"listen"` // TCP host:port; "" is nowhere
}

// Source is where events come from.
type Source struct {
	Name string // unique: letters, digits, '.', '_' and '-', at most 64
	Type string // one of Options.SourceTypes
	Path string // a file or a glob
}
