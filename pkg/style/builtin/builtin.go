// Package builtin registers the delivery styles that dz comes with. A new style
// is a package beside this one, and a line here.
package builtin

import (
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// Styles returns all of them.
func Styles() (*style.Set, error) {
	return style.NewSet(
		notify.Style{},
	)
}
