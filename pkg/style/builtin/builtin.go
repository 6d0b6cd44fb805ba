// Package builtin registers the delivery styles that dz comes with. A new style
// is a package beside this one, and a line here.
package builtin

import (
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/gateway"
	"github.com/dam-delivery/dz/pkg/style/managed"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// Knowledge is what styles tell of, beyond what a debt says.
type Knowledge struct {
	Assets catalogue.Reader // what is known of assets
	Shown  catalogue.Viewer // assets as an endpoint may see them
	Memory managed.Memory   // what endpoints have acknowledged
}

// Nothing is for those who need the styles' declarations and never compose.
func Nothing() Knowledge { return Knowledge{Assets: catalogue.Empty{}} }

// Styles returns all of them.
func Styles(k Knowledge) (*style.Set, error) {
	return style.NewSet(
		notify.Style{},
		gateway.New(k.Assets),
		managed.New(k.Shown, k.Memory),
	)
}
