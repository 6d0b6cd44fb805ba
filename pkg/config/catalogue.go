package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Catalogue is where assets are read. All but its type is for CatalogueREST.
type Catalogue struct {
	Type string `mapstructure:"type"` // one of the Catalogue constants

	Preset    string   `mapstructure:"preset"`    // what the API is like: one of CataloguePresets, or a file that declares it
	Variables []string `mapstructure:"variables"` // of the API: "name=value"

	URL         string        `mapstructure:"url"`
	CAFile      string        `mapstructure:"ca_file"`  // PEM; "" is the system's roots
	Language    string        `mapstructure:"language"` // as the DAM names it; "" is its own
	Timeout     timespan.Span `mapstructure:"timeout"`  // of one try
	Concurrency int           `mapstructure:"concurrency"`
	Rate        float64       `mapstructure:"rate"` // requests a second; 0 is unlimited
	Auth        CatalogueAuth `mapstructure:"auth"`
}

// CatalogueAuth is who reads. Secrets lie in files of their own, so that no
// configuration that is shown holds one.
type CatalogueAuth struct {
	Username     string `mapstructure:"username"`
	PasswordFile string `mapstructure:"password_file"`
	TokenFile    string `mapstructure:"token_file"`
}

// Where assets are read.
const (
	CatalogueEmbedded = "embedded" // in the store, as events brought them
	CatalogueREST     = "rest"     // from the DAM
)

// CataloguePresets are the APIs that need no declaration.
func CataloguePresets() []string { return []string{"digizuite", "directus", "nexx"} }

const (
	keyCatalogue            = "catalogue."
	keyCatalogueType        = keyCatalogue + "type"
	keyCataloguePreset      = keyCatalogue + "preset"
	keyCatalogueVariables   = keyCatalogue + "variables"
	keyCatalogueURL         = keyCatalogue + "url"
	keyCatalogueTimeout     = keyCatalogue + "timeout"
	maxCatalogueConcurrency = 64
)

// catalogueSettings are the settings of the section, in the order of the
// documentation.
func catalogueSettings() []setting {
	return []setting{
		{key: keyCatalogueType, fallback: CatalogueEmbedded, read: readCatalogueType, value: func(c *Config) any { return c.Catalogue.Type }},
		{key: keyCataloguePreset, fallback: "", read: readPreset, value: func(c *Config) any { return c.Catalogue.Preset }},
		{key: keyCatalogueVariables, fallback: []any{}, list: true, read: readVariable, value: func(c *Config) any { return c.Catalogue.Variables }},
		{key: keyCatalogueURL, fallback: "", read: readURL, value: func(c *Config) any { return c.Catalogue.URL }},
		{key: keyCatalogue + "ca_file", fallback: "", read: readPathOrNone, value: func(c *Config) any { return c.Catalogue.CAFile }},
		{key: keyCatalogue + "language", fallback: "", numeric: true, read: readText, value: func(c *Config) any { return c.Catalogue.Language }},
		{key: keyCatalogueTimeout, fallback: timespan.Span(30e9), numeric: true, read: readSpan, value: func(c *Config) any { return c.Catalogue.Timeout }},
		{key: keyCatalogue + "concurrency", fallback: 4, numeric: true, read: readConcurrency, value: func(c *Config) any { return c.Catalogue.Concurrency }},
		{key: keyCatalogue + "rate", fallback: 0.0, numeric: true, read: readRate, value: func(c *Config) any { return c.Catalogue.Rate }},
		{key: keyCatalogue + "auth.username", fallback: "", numeric: true, read: readText, value: func(c *Config) any { return c.Catalogue.Auth.Username }},
		{key: keyCatalogue + "auth.password_file", fallback: "", read: readPathOrNone, value: func(c *Config) any { return c.Catalogue.Auth.PasswordFile }},
		{key: keyCatalogue + "auth.token_file", fallback: "", read: readPathOrNone, value: func(c *Config) any { return c.Catalogue.Auth.TokenFile }},
	}
}

func readCatalogueType(text string, _ origin) (any, error) {
	switch kind := strings.ToLower(text); kind {
	case CatalogueEmbedded, CatalogueREST:
		return kind, nil
	default:
		return nil, notOneOf(text, CatalogueEmbedded, CatalogueREST)
	}
}

// readPreset takes what has a folder or an extension for the name of a file.
func readPreset(text string, from origin) (any, error) {
	if text == "" || slices.Contains(CataloguePresets(), text) {
		return text, nil
	}
	if strings.ContainsRune(text, '/') || filepath.Ext(text) != "" {
		return readPath(text, from)
	}
	return nil, fmt.Errorf("%q is none of %s%s; a file that declares another API has a name like dam.yaml",
		text, strings.Join(CataloguePresets(), ", "), suggest.Clause(text, CataloguePresets()))
}

func readPathOrNone(text string, from origin) (any, error) {
	if text == "" {
		return "", nil
	}
	return readPath(text, from)
}

// readURL does not repeat a URL that it refuses: it may hold a password.
func readURL(text string, _ origin) (any, error) {
	base, err := url.Parse(text)
	switch {
	case text == "":
		return "", nil
	case err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "":
		return nil, errors.New(`it is no URL that can be used: write "https://dam.example.com"`)
	case base.User != nil:
		return nil, errors.New("it has user information: set catalogue.auth.username and catalogue.auth.password_file")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("it has a query or a fragment: write where the API's paths begin")
	}
	return text, nil
}

func readVariable(text string, _ origin) (any, error) {
	name, value, ok := strings.Cut(strings.TrimSpace(text), "=")
	if !ok || name == "" || value == "" {
		return nil, fmt.Errorf(`%q is no variable: write "name=value"`, text)
	}
	return name + "=" + value, nil
}

func readConcurrency(text string, _ origin) (any, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxCatalogueConcurrency {
		return nil, fmt.Errorf("%q is no number of requests from 1 to %d", text, maxCatalogueConcurrency)
	}
	return n, nil
}

func readRate(text string, _ origin) (any, error) {
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || !(rate >= 0 && rate <= 1e6) { // what is not a number is neither
		return nil, fmt.Errorf("%q is no number of requests a second; 0 is unlimited", text)
	}
	return rate, nil
}

// validateCatalogue checks what one value of the section alone doesn't show.
func (c *Config) validateCatalogue(fail func(key, format string, args ...any)) {
	known := &c.Catalogue
	if known.Type == CatalogueEmbedded {
		for _, s := range catalogueSettings() {
			// A file that says all of it says the defaults too.
			if s.key != keyCatalogueType && fmt.Sprint(s.value(c)) != fmt.Sprint(s.fallback) {
				fail(s.key, "%s is for catalogue.type %s, and that is %s", s.key, CatalogueREST, CatalogueEmbedded)
			}
		}
		return
	}
	if known.URL == "" {
		fail(keyCatalogueType, "catalogue.url is missing: where the DAM's API is")
	}
	if known.Preset == "" {
		fail(keyCatalogueType, "catalogue.preset is missing: one of %s, or a file that declares the DAM's API",
			strings.Join(CataloguePresets(), ", "))
	}
	if known.Timeout == 0 {
		fail(keyCatalogueTimeout, "catalogue.timeout is 0, within which nothing can be read")
	}
	names := map[string]bool{}
	for _, variable := range known.Variables {
		name, _, _ := strings.Cut(variable, "=")
		if names[name] {
			fail(keyCatalogueVariables, "catalogue.variables has %s twice", name)
		}
		names[name] = true
	}
}
