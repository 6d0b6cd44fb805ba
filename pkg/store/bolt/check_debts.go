package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// owed checks a row of debts.
func (c *recordCheck) owed(k, v []byte) {
	first, key, err := splitRowKey(k)
	if err != nil {
		c.fault("%v", err)
		return
	}
	var w row
	if err := w.decode(v); err != nil {
		c.fault("%s", plain(err))
		return
	}
	if w.isEmpty() {
		c.fault("a row of debts holds none")
	}
	for id := first; id < first+rowSlots; id++ {
		var s stored
		found, err := w.debt(&s, id, key)
		switch {
		case err != nil:
			c.fault("%s", plain(err))
		case found && !c.isRemoved(endpointKey(id)):
			c.debt(&s)
		}
	}
}

// debts checks a debt as it stands in a store before format 4.
func (c *recordCheck) debts(k, v []byte) {
	id, key, err := splitDebtKey(k)
	if err != nil {
		c.fault("%v", err)
		return
	}
	if c.isRemoved(k) {
		return
	}
	s, err := decodeDebt(id, key, v)
	if err != nil {
		c.fault("%s", plain(err))
		return
	}
	c.debt(s)
}

// debt checks that a debt is filed as it should be, and counts it.
func (c *recordCheck) debt(s *stored) {
	id := s.Endpoint
	counts := c.counted[id]
	counts.Add(class(s))
	c.counted[id] = counts
	switch {
	case s.Failed != (s.Filed == unfiled):
		c.fault("debt %s is failed=%v and filed at %d", s.ID, s.Failed, s.Filed)
	case s.Held != (s.Filed == filedHeld):
		c.fault("debt %s is held=%v and filed at %d", s.ID, s.Held, s.Filed)
	case s.Filed != unfiled && s.Filed > filedAt(s):
		c.fault("debt %s is filed at %d, after it is due at %d", s.ID, s.Filed, filedAt(s))
	case s.Filed != unfiled && !bytes.Equal(c.tx.Bucket(bucketDue).Get(dueKey(id, s.Filed, s.ID.Seq())), []byte(s.Key)):
		c.fault("debt %s is not in the index of what is due", s.ID)
	}
	record := c.tx.Bucket(bucketTrouble).Get(troubleKey(id, s.ID.Seq()))
	if (record != nil) != s.Troubled {
		c.fault("debt %s is troubled=%v, and its trouble record exists=%v", s.ID, s.Troubled, record != nil)
	}
}

// due checks that each entry of the index belongs to a debt.
func (c *recordCheck) due(k, v []byte) {
	if len(k) < 4 || c.isRemoved(k) {
		return
	}
	var s stored
	err := c.find(&s, endpointOf(k), debt.Key(v))
	switch {
	case err != nil:
		c.fault("%s", plain(err))
	case !bytes.Equal(k, dueKey(s.Endpoint, s.Filed, s.ID.Seq())):
		c.fault("debt %s stands twice in the index of what is due", s.ID)
	}
}

// trouble checks that each failed attempt belongs to a debt.
func (c *recordCheck) trouble(k, v []byte) {
	if len(k) < 4 || c.isRemoved(k) {
		return
	}
	key, _, err := decodeTrouble(v)
	if err == nil {
		err = c.find(new(stored), endpointOf(k), key)
	}
	if err != nil {
		c.fault("%s", plain(err))
	}
}

// find reads the debt that another record names into s. In a store before format
// 4, and one that is being made one of it, it may stand by itself.
func (c *recordCheck) find(s *stored, id uint64, key debt.Key) error {
	if single := c.tx.Bucket(bucketDebts); single != nil {
		if record := single.Get(debtKey(id, key)); record != nil {
			course, matter, err := splitRecord(record)
			if err != nil {
				return err
			}
			return s.decode(id, key, course, matter)
		}
	}
	if c.tx.Bucket(bucketOwed) == nil {
		return damaged("the index names a debt of endpoint %d that is not there", id)
	}
	return newDebtFinder(c.tx).indexed(s, id, key)
}

// isRemoved reports whether a record is one of a removed endpoint, and only
// waits to be freed.
func (c *recordCheck) isRemoved(k []byte) bool { return c.tx.Bucket(bucketRemoved).Get(k[:4]) != nil }

// counts compares the counts with what was counted.
func (c *recordCheck) counts(k, v []byte) {
	is, err := decodeCounts(v)
	if err != nil || len(k) != 4 {
		c.fault("the counts can't be read")
		return
	}
	id := endpointOf(k)
	who := fmt.Sprintf("endpoint %d", id)
	want := c.counted[id]
	if id == 0 {
		who, want = "all endpoints", c.sum()
	}
	if is.Owed != is.Coalesced+is.Delivered+is.Skipped+is.Open+is.Held+is.Failed+is.Dropped {
		c.fault("the counts of %s do not add up: %+v", who, is)
	}
	if is.Open != want.Open || is.Retrying != want.Retrying || is.Failed != want.Failed || is.Background != want.Background ||
		is.Deleting != want.Deleting || is.Held != want.Held || is.Tracked != want.Tracked {
		c.fault("%s: counted are %s, and there are %s", who, levels(is), levels(want))
	}
}

// levels says in words what there is at a time.
func levels(c store.Counts) string {
	return fmt.Sprintf("%d open debts (%d retrying, %d in the background, %d deleting), %d held and %d failed ones, and %d tracked assets",
		c.Open, c.Retrying, c.Background, c.Deleting, c.Held, c.Failed, c.Tracked)
}

func (c *recordCheck) sum() (all store.Counts) {
	for _, counts := range c.counted {
		all.Add(counts)
	}
	return all
}

// finishCounts finds endpoints that have debts and no counts.
func (c *recordCheck) finishCounts(tx *bbolt.Tx) {
	for id := range c.counted {
		key := endpointKey(id)
		if tx.Bucket(bucketCounts).Get(key) == nil {
			c.at(bucketCounts, key)
			c.fault("endpoint %d has debts, and they are not counted", id)
		}
	}
}
