package daemon

import (
	"context"
	"reflect"

	"github.com/dam-delivery/dz/pkg/config"
)

// reload goes on with another configuration, as far as that can be done without
// a restart.
func (d *Daemon) reload(ctx context.Context, c config.Config) {
	before := d.config
	for _, fixed := range []struct {
		key     string
		changed bool
	}{
		{"store", before.Store != c.Store},
		{"secrets", before.Secrets != c.Secrets},
		{"catalogue", !reflect.DeepEqual(before.Catalogue, c.Catalogue)},
		{"socket", before.Socket != c.Socket},
		{"metrics", before.Metrics != c.Metrics},
		{"log.format", before.Log.Format != c.Log.Format},
	} {
		if fixed.changed {
			d.log.Warn("a changed setting takes effect after a restart", "key", fixed.key)
		}
	}
	c.Store, c.Secrets, c.Socket, c.Metrics = before.Store, before.Secrets, before.Socket, before.Metrics
	c.Catalogue = before.Catalogue
	d.sender.Reload(c.Network.Deny, c.Network.Allow)
	if d.opts.Level != nil {
		d.opts.Level.Set(c.Log.Level)
	}
	if err := d.registry.setDefaults(ctx, c.Debouncing.Window()); err != nil {
		d.log.Error("can't route by the new debounce", "error", err)
	}
	if err := d.applySources(ctx, c.Sources); err != nil {
		d.log.Error("can't change the sources", "error", err)
	}
	d.mu.Lock()
	d.config = c
	d.mu.Unlock()
	d.log.Info("configuration reloaded", "file", c.File)
}
