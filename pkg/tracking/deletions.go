package tracking

import "time"

// DeletionWindow is the time over which deletions are counted together.
const DeletionWindow = 10 * time.Minute

// Deletions counts acknowledged deletions by the minute, for as long as the
// window lasts.
type Deletions struct {
	Minutes map[int64]uint64 `json:"minutes,omitempty"` // by Unix minute
	// Released is when a person released those that were held; zero: never.
	Released time.Time `json:"released,omitzero"`
	// Told is after all deletions that were acknowledged, or when the last was,
	// whether its asset was tracked or not; zero: not known.
	Told time.Time `json:"told,omitzero"`
}

// Add returns the count with n more at now.
func (d Deletions) Add(n uint64, now time.Time) Deletions {
	minutes := make(map[int64]uint64, len(d.Minutes)+1)
	for minute, count := range d.Minutes {
		if within(minute, now) {
			minutes[minute] = count
		}
	}
	minutes[minuteOf(now)] += n
	d.Minutes = minutes
	return d
}

// Recent returns how many there were in the window that ends now.
func (d Deletions) Recent(now time.Time) (n uint64) {
	for minute, count := range d.Minutes {
		if within(minute, now) {
			n += count
		}
	}
	return n
}

// Rewind returns the count with those from the future moved to now, and whether there
// were any: the clock has been set back since, and nobody knows how long ago they were
// made. A release from the future is forgotten: what is held anew was not looked at.
func (d Deletions) Rewind(now time.Time) (_ Deletions, moved bool) {
	minutes := make(map[int64]uint64, len(d.Minutes))
	for minute, count := range d.Minutes {
		if minute > minuteOf(now)+1 { // the next one may have begun since now
			minute, moved = minuteOf(now), true
		}
		minutes[minute] += count
	}
	if d.Released.Sub(now) > time.Minute {
		d.Released, moved = time.Time{}, true
	}
	d.Minutes = minutes
	return d, moved
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// within reports whether a minute is part of the window. One in the future is, until
// it is moved: the clock has been set back, and the deletion was made all the same.
func within(minute int64, now time.Time) bool {
	return minute > minuteOf(now.Add(-DeletionWindow))
}

// Losses is what there is to judge by whether an endpoint is about to lose more
// of its assets than it should. What a person wants deleted, by releasing or
// retrying it, is no loss.
type Losses struct {
	Tracked uint64 // assets that are tracked
	Recent  uint64 // acknowledged deletions within the window
	// Pending are deletions that are owed, and neither held nor released, of assets
	// that are tracked or may have been taken; with those that a synchronisation has
	// counted and not owed yet.
	Pending uint64
	Held    uint64
}
