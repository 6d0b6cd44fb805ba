package style

import (
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// Action is what an endpoint is to be told of an asset.
type Action uint8

// The actions.
const (
	Nothing   Action = iota // the asset is gone or left out, and not tracked
	Create                  // it is not tracked yet
	Update                  // it is tracked, and differs from what was acknowledged
	Unchanged               // it is tracked, and does not differ
	Delete                  // it is tracked, and gone or left out
)

// ErrFilter says that an endpoint's filter can't be applied to an asset.
var ErrFilter = errors.New("the filter can't be applied")

// Tracker is a style that tracks what its endpoints have acknowledged, so that
// they can be synchronised again.
type Tracker interface {
	Style
	// View is how the endpoint is shown assets.
	View(ep *endpoint.Endpoint) catalogue.View
	// SiftView is how it is shown assets that are sifted and not judged: without
	// their data, where that is not looked at.
	SiftView(ep *endpoint.Endpoint) catalogue.View
	// Judge says what the endpoint is to be told of an asset as the catalogue
	// shows it. known is what is tracked of it; nil if nothing is. ErrFilter:
	// nothing can be said of it; it is not told, nor deleted.
	Judge(ep *endpoint.Endpoint, shown catalogue.Answer, known *tracking.Asset) (Action, error)
	// Sift is Judge for those who tell an asset whether it differs or not: it does
	// not look whether it does, and says Update of one that is Unchanged.
	Sift(ep *endpoint.Endpoint, shown catalogue.Answer, known *tracking.Asset) (Action, error)
	// Again returns the change that owes an asset again, in the background: told
	// whatever it is, or only if it differs from what was acknowledged. gone says
	// that it is to be owed as a deletion. What is told in the end is judged when
	// it is sent. It has no event, and is Replayed unless the asset is gone: what a
	// source said of the asset goes on describing what is owed. Of the asset, only
	// the ids are looked at: all changes that are owed so at a time differ in nothing but
	// their Subject.
	Again(ep *endpoint.Endpoint, asset *catalogue.Asset, now time.Time, whatever, gone bool) debt.Change
	// Subject is what a change of the asset is of. Only the ids are looked at.
	Subject(asset *catalogue.Asset) debt.Subject
	// AssetKey is the key under which an asset is owed.
	AssetKey(asset event.ID) debt.Key
}
