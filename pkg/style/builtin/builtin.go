// Package builtin registers the delivery styles that dz comes with. A new style
// is a package beside this one, and a line here.
package builtin

import (
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/gateway"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// Styles returns all of them. Those that tell more of an asset than its ids read
// it in assets.
func Styles(assets catalogue.Reader) (*style.Set, error) {
	return style.NewSet(
		notify.Style{},
		gateway.New(assets),
	)
}
