package catalogue

import (
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// clockSlack is how far ahead of the clock a known change may lie before the
// clock is taken to have been set back. Smaller steps are the everyday work of
// NTP.
const clockSlack = time.Minute

// FromEvent returns what an event, seen at now, says of an asset: its snapshot,
// or that it was deleted. It returns false if the event says neither.
//
// A change that lies in the future counts as one of now: else a single wrong
// clock would keep out everything that comes later.
func FromEvent(e *event.Event, now time.Time) (Asset, bool) {
	if e.Object.Kind != event.Asset || (e.Asset == nil && !e.IsDelete()) {
		return Asset{}, false
	}
	a := Asset{ID: e.Object.BaseID, ItemID: e.Object.ItemID, Data: e.Asset, Deleted: e.IsDelete(), Changed: e.Time}
	if a.Changed.IsZero() || a.Changed.After(now) {
		a.Changed = now
	}
	return a, true
}

// Merge returns what is known of an asset once news of it has come in, at now;
// the zero Asset is one that was unknown. News may come in any order: the later
// change wins, of two at one time that which came in later. A deletion keeps the
// data; a later snapshot makes the asset one that is not deleted. It reports
// false if the news tells nothing new, because a later change is known.
func (a Asset) Merge(news Asset, now time.Time) (Asset, bool) {
	fromFuture := a.Changed.Sub(now) > clockSlack // then its time means nothing
	if news.Changed.Before(a.Changed) && !fromFuture {
		if a.Data == nil && news.Data != nil { // it was deleted before it was ever seen
			a.Data = news.Data
			return a, true
		}
		return a, false
	}
	if news.Data == nil {
		news.Data = a.Data
	}
	if news.ItemID.IsZero() {
		news.ItemID = a.ItemID
	}
	return news, true
}
