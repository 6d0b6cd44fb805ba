package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// openCatalogue sets where assets are read: in the store, or from the DAM.
func (d *Daemon) openCatalogue(teardown *teardown) error {
	d.assets, d.shown = d.store, catalogue.NewEmbedded(d.store)
	c := d.config.Catalogue
	if c.Type != config.CatalogueREST {
		return nil
	}
	transport, err := d.sender.Transport(endpoint.DefaultConnectTimeout.Std(), c.CAFile)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	dam, err := newRESTCatalogue(c, transport, d)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	teardown.add(func() error { dam.Close(); return nil })
	d.dam, d.shown, d.assets = dam, dam, lastKnown{dam, d.store}
	return nil
}

// newRESTCatalogue reads the files that the configuration names; it sends
// nothing.
func newRESTCatalogue(c config.Catalogue, transport *deliver.Transport, d *Daemon) (*rest.Catalogue, error) {
	api, err := readAPI(c.Preset)
	if err != nil {
		return nil, err
	}
	password, err := readSecret(c.Auth.PasswordFile)
	if err != nil {
		return nil, err
	}
	token, err := readSecret(c.Auth.TokenFile)
	if err != nil {
		return nil, err
	}
	variables := make(map[string]string)
	for _, variable := range c.Variables {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	return rest.New(rest.Config{
		URL: c.URL, API: api, Variables: variables, Language: c.Language,
		Username: c.Auth.Username, Password: password, Token: token,
		Timeout: c.Timeout.Std(), Concurrency: c.Concurrency, Rate: c.Rate,
		UserAgent: "dz/" + d.opts.Version.Version, Transport: transport, Now: d.now,
	})
}

// maxAPIFile and maxSecretFile bound what is read, in bytes: a longer file is
// some other.
const (
	maxAPIFile    = 1 << 20
	maxSecretFile = 64 << 10
)

// readAPI returns a preset, or what a file declares.
func readAPI(preset string) (rest.API, error) {
	if slices.Contains(rest.Presets(), preset) {
		return rest.Preset(preset)
	}
	text, err := readShort(preset, maxAPIFile)
	if err != nil {
		return rest.API{}, err
	}
	api, err := rest.ParseAPI(text)
	if err != nil {
		return rest.API{}, fmt.Errorf("%s: %w", preset, err)
	}
	return api, nil
}

// readSecret returns what a file holds, without the end of its last line; "" for
// no file. Only its owner and group may read it.
func readSecret(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return "", fmt.Errorf("%s: others may read or change it (mode %04o): 'chmod o= %s'", name, mode, name)
	}
	text, err := readShort(name, maxSecretFile)
	if err != nil {
		return "", err
	}
	text = bytes.TrimRight(text, "\r\n")
	if len(text) == 0 || bytes.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%s: write one line, the secret", name)
	}
	return string(text), nil
}

// readShort reads a regular file: a pipe could hold the start up for ever.
func readShort(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return text, nil
}

// lastKnown reads from the DAM, and of what is gone there the last that events
// told: a receiver may need to know what it was.
type lastKnown struct{ dam, events catalogue.Reader }

// Assets returns what both know.
func (l lastKnown) Assets(ctx context.Context, ids []event.ID) ([]catalogue.Asset, error) {
	assets, err := l.dam.Assets(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, a := range assets {
		if !a.Deleted || a.Data != nil {
			continue
		}
		known, err := l.events.Assets(ctx, []event.ID{a.ID})
		if err != nil {
			return nil, err
		}
		if len(known) > 0 {
			assets[i].ItemID, assets[i].Data = known[0].ItemID, known[0].Data
		}
	}
	return assets, nil
}
