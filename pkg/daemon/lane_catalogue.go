package daemon

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// How long a lane waits for a catalogue that can't be read: twice as long each
// time it can't.
const (
	firstCatalogueWait = time.Second
	lastCatalogueWait  = time.Minute
)

// catalogueWait is what the catalogue keeps a lane from sending. The lane's lock
// guards it.
type catalogueWait struct {
	fault string        // what it is; "" if nothing
	kind  error         // of the fault
	delay time.Duration // how long the lane waits this time, unless the DAM asked for more
	until time.Time
	noted atomic.Bool // there is a fault; may be read without the lock
}

// waitForCatalogue keeps the lane from sending until the catalogue may be readable
// again. What is due stays due, and no retry is spent on it.
func (l *lane) waitForCatalogue(unread *catalogue.ReadError) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.catalogue
	asked := now.Add(unread.After)
	if now.Before(c.until) { // another request has met it
		if asked.After(c.until) {
			c.until = asked
		}
		return
	}
	c.delay = min(max(2*c.delay, firstCatalogueWait), lastCatalogueWait)
	if errors.Is(unread, catalogue.ErrRefused) {
		c.delay = lastCatalogueWait // until somebody has changed something
	}
	if c.until = now.Add(c.delay); asked.After(c.until) {
		c.until = asked
	}
	if c.fault == "" || c.kind != unread.Kind { //nolint:errorlint // the same kind, not one that wraps it
		l.log.Warn("can't read the catalogue; what is owed waits for it", "endpoint", l.settings.Load().ep.Name, "error", unread)
	}
	c.fault, c.kind = unread.Error(), unread.Kind
	c.noted.Store(true)
}

// catalogueWorks notes that a message could be made, of what was asked for at
// begun.
func (l *lane) catalogueWorks(begun time.Time) {
	if !l.catalogue.noted.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.catalogue
	if !c.noted.Load() || begun.Before(c.until) {
		return // another request has noted it, or this one began when the catalogue still worked
	}
	l.log.Info("the catalogue is read again", "endpoint", l.settings.Load().ep.Name)
	c.fault, c.kind, c.delay, c.until = "", nil, 0, time.Time{}
	c.noted.Store(false)
}

// catalogueUntil is until when the catalogue keeps the lane from sending.
func (l *lane) catalogueUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.catalogue.until
}

// obstacle is what keeps the lane from sending, apart from its endpoint, and when
// it tries again; "" if nothing does.
func (l *lane) obstacle() (fault string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.catalogue.fault, l.catalogue.until
}
