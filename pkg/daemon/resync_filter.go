package daemon

import (
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/assetfilter"
)

// errBadFilter: the order's filter can't be read.
var errBadFilter = errors.New("the filter can't be read")

// compileAssetFilter reads the filter of an order, which is of the same form as an
// endpoint's own over assets.
func compileAssetFilter(text string) (assetMatcher, error) {
	filter, err := assetfilter.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadFilter, err)
	}
	return filter, nil
}
