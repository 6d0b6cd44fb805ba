package rest

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed presets/*.yaml
var presets embed.FS

// Presets returns the names of the presets, sorted.
func Presets() []string {
	entries, err := presets.ReadDir("presets")
	if err != nil {
		return nil // the folder is part of the program
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), path.Ext(entry.Name()))
	}
	return names
}

// Preset returns the declaration of that name.
func Preset(name string) (API, error) {
	text, err := presets.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return API{}, fmt.Errorf("unknown preset %q (presets: %s)", name, strings.Join(Presets(), ", "))
	}
	declared, err := ParseAPI(text)
	if err != nil {
		return API{}, fmt.Errorf("preset %s: %w", name, err)
	}
	return declared, nil
}
