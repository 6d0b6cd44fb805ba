package daemon

import (
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style"
)

// validate reports everything that is wrong with an endpoint by itself.
func (r *registry) validate(ep *endpoint.Endpoint) error {
	ep.Normalize()
	r.styles.Complete(ep)
	return r.styles.Validate(ep)
}

// checkView reports what the endpoint is to be shown of assets and can't be.
func (r *registry) checkView(ep *endpoint.Endpoint) error {
	st, err := r.styles.Get(ep.Style)
	if err != nil {
		return err
	}
	if tracker, ok := st.(style.Tracker); ok {
		return r.supports(tracker.View(ep))
	}
	return nil
}

// checkChange reports what is wrong with a changed endpoint. before is what checkView
// said of it: where the catalogue is another than when it was added, everything else
// may still be changed.
func (r *registry) checkChange(ep *endpoint.Endpoint, before error) error {
	if err := r.validate(ep); err != nil || before != nil {
		return err
	}
	return r.checkView(ep)
}
