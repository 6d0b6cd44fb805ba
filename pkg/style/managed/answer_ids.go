package managed

import (
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// toldIDs finds the ids of the assets that a request tells, as they may be written. Most
// receivers answer in the order in which they were told.
type toldIDs struct {
	tellings []telling
	next     int               // of the tellings, the one behind the one that was meant last
	written  map[writtenID]int // the tellings, as soon as one has to be searched
	slots    map[event.ID]int  // one telling of each asset, if there may be several
}

// writtenID is an id as a number, or as a string.
type writtenID struct {
	text   string // without quotes
	quoted bool
}

// newToldIDs returns those of tellings. A debt that was owed before the endpoint got this
// style has another key than the asset's: then two may be of one.
func newToldIDs(tellings []telling) toldIDs {
	ids := toldIDs{tellings: tellings}
	for i := range tellings {
		if t := &tellings[i]; t.isSent() && string(t.debt.Key) != t.id().JSON() {
			ids.slots = make(map[event.ID]int)
		}
	}
	for i := range tellings {
		if t := &tellings[i]; ids.slots != nil && t.isSent() {
			ids.slots[t.id()] = i
		}
	}
	return ids
}

// slot is the same for all tellings of one asset.
func (ids *toldIDs) slot(i int) int {
	if ids.slots == nil {
		return i
	}
	return ids.slots[ids.tellings[i].id()]
}

// meant returns the telling of the asset that an answer means with a value.
func (ids *toldIDs) meant(asset rawjson.Value) (i int, ok bool) {
	for ids.next < len(ids.tellings) && !ids.tellings[ids.next].isSent() {
		ids.next++
	}
	if ids.next == len(ids.tellings) || string(asset) != ids.tellings[ids.next].id().JSON() {
		if ids.next, ok = ids.search(asset); !ok {
			return 0, false
		}
	}
	i = ids.next
	ids.next++
	return i, true
}

// search returns the telling of the asset that a value means; where there is none, the
// next one is still to come.
func (ids *toldIDs) search(asset rawjson.Value) (i int, ok bool) {
	if ids.written == nil {
		ids.written = make(map[writtenID]int, len(ids.tellings))
		for i := range ids.tellings {
			if t := &ids.tellings[i]; t.isSent() {
				ids.written[writtenID{t.id().String(), t.id().IsString()}] = i
			}
		}
	}
	text, quoted := asset.String()
	if !quoted {
		text = asset
	}
	if i, ok = ids.written[writtenID{string(text), quoted}]; !ok {
		i, ok = ids.written[writtenID{string(text), !quoted}]
	}
	if !ok {
		i = ids.next
	}
	return i, ok
}
