package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// keyDelimiter is not viper's dot, on which it would split keys that hold one.
const keyDelimiter = "::"

// Load returns the configuration in effect: the defaults, over them the file,
// over it the variables, over them the flags.
//
// The file is that of Options.File, else of the variable DZ_CONFIG, else as
// root SystemFile, else dz/dz.yaml in the XDG configuration folder; without any
// of them there is none. Its keys are read without regard to case; relative
// paths in it start from its directory, and ~/ is the home directory. Every key
// is also a variable: store.max_size is DZ_STORE_MAX_SIZE; network lists are
// separated by commas, and DZ_SOURCES is a YAML or JSON array.
//
// The error joins one error for each thing that is wrong.
//
// Viper lays the layers over each other and fills the struct. What it can't do
// is done beside it: it knows no lines, passes over repeated keys, and reads
// only the process's own environment.
func Load(opts Options) (Config, error) {
	env := opts.environment()
	name, raw, err := opts.find(env)
	if err != nil {
		return Config{}, err
	}
	file := newReading(origin{name: name, folder: filepath.Dir(name), home: opts.Home})
	var fileErr error
	if name != "" {
		fileErr = file.file(raw)
	}
	variables, variablesErr := opts.variables(env)
	if err := errors.Join(fileErr, variablesErr); err != nil {
		return Config{}, err
	}
	c := Config{File: name, Origins: file.origins, Warnings: unknownVariables(env)}
	if _, set := variables.values[keySources]; set {
		maps.DeleteFunc(c.Origins, func(key, _ string) bool { return strings.HasPrefix(key, keySources) })
	}
	maps.Copy(c.Origins, variables.origins)
	if opts.Socket != "" {
		variables.values[keySocketPath] = opts.Socket
		c.Origins[keySocketPath] = "--socket"
	}
	if err := c.fill(file.values, variables.values); err != nil {
		return Config{}, err
	}
	c.finish(opts, env)
	if err := c.validate(opts); err != nil {
		return Config{}, err
	}
	return c, nil
}

// fill sets every setting from the uppermost layer that has it. Values have
// their types already; a setting that the struct lacks is an error.
func (c *Config) fill(file, overrides map[string]any) error {
	v := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter))
	for _, s := range settings() {
		v.SetDefault(viperKey(s.key), s.fallback)
	}
	v.SetDefault(keySources, []Source{})
	if err := v.MergeConfigMap(nested(file)); err != nil {
		return fmt.Errorf("merge configuration: %w", err)
	}
	for key, value := range overrides {
		v.Set(viperKey(key), value)
	}
	err := v.UnmarshalExact(c, func(decoder *mapstructure.DecoderConfig) {
		decoder.WeaklyTypedInput = false
		decoder.DecodeHook = nil
	})
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	return nil
}

func viperKey(key string) string { return strings.ReplaceAll(key, ".", keyDelimiter) }

// nested makes sections of dotted keys.
func nested(values map[string]any) map[string]any {
	root := map[string]any{}
	for key, value := range values {
		section := root
		names := strings.Split(key, ".")
		last := len(names) - 1
		for _, name := range names[:last] {
			next, ok := section[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				section[name] = next
			}
			section = next
		}
		section[names[last]] = value
	}
	return root
}

// finish sets what follows from where dz runs and from other settings.
func (c *Config) finish(opts Options, env environment) {
	if c.Store.Path == "" {
		c.Store.Path = opts.defaultStore(env)
	}
	if c.Secrets.KeyFile == "" {
		c.findKeyFile(opts, env)
	}
	if c.Socket.Path == "" {
		c.Socket.Path = opts.defaultSocket(env)
	}
	// A DAM's own file sets the interval alone, to whatever it likes.
	if c.Origins[keyMaxWait] == "" {
		c.Debouncing.MaxWait = max(c.Debouncing.MaxWait, c.Debouncing.Interval)
	}
	// Looking back must not take the room of what is owed.
	if c.Origins[keyEventsMaxSize] == "" && c.Store.MaxSize > 0 {
		c.Store.Events.MaxSize = min(c.Store.Events.MaxSize, c.Store.MaxSize/4)
	}
}

// variableCredentials is where a service manager puts a service's credentials
// (https://systemd.io/CREDENTIALS/).
const variableCredentials = "CREDENTIALS_DIRECTORY"

// findKeyFile finds the key that secrets are sealed with where nothing names it.
func (c *Config) findKeyFile(opts Options, env environment) {
	if folder := env[variableCredentials]; folder != "" {
		if name := filepath.Join(folder, CredentialName); opts.Exists(name) {
			c.Secrets.KeyFile, c.Origins[keyKeyFile] = name, variableCredentials
			return
		}
	}
	if c.Store.Path != "" {
		c.Secrets.KeyFile = keyBesideStore(c.Store.Path)
	}
}
