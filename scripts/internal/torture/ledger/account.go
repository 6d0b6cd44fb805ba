package ledger

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// lateAfter is how long after its end was confirmed an endpoint may still get
// requests that had begun before.
const lateAfter = 2 * time.Second

// maxTold bounds how many faults of an account are described; all are counted.
const maxTold = 5

// Account is what one endpoint is owed, and what its receiver got.
type Account struct {
	ledger   *Ledger
	id       string
	reasons  bool // it is told them
	replayed bool // recent changes may be

	// These are guarded by the ledger's mutex.
	certain uint8 // the change types that are certainly subscribed to
	owed    map[Key]uint64
	maybe   []maybe // owed for certain only once the event is known to be in the store
	// emitting are of calls under way: owed for certain once one is known to have been taken.
	emitting []Event
	recent   []written // what may be replayed, oldest first
	closed   bool
	// delivered is how much of what it was owed it had got when it was closed.
	delivered int

	mu       sync.Mutex
	terms    Terms // the loosest there ever were
	ends     []End // the ledger's
	seen     map[Key]*seen
	open     int
	closedAt time.Time
	repeats  map[int]repeats // by the epoch that the former request was of
	oldest   aged
	counts   Counts
	told     []string

	retried    map[Key]time.Time // to be sent since then, by a person's will
	again      map[Key]time.Time // to be told again since then
	replays    int               // under way
	replayedAt time.Time         // when the last one ended
	toldAgain  int
}

// repeats are requests that were made again after an end of the process.
type repeats struct {
	cut      int // had not been answered
	answered int
}

// aged is the answer that was forgotten with a kill and came longest before it.
type aged struct {
	age time.Duration
	key Key
	end int
}

type maybe struct {
	event   Event
	ordinal uint64 // of all events written
}

// seen is what a receiver knows of a key.
type seen struct {
	number  uint64 // the highest begun on
	message message
	epoch   int // of the last request: how often the process had ended
	answer  answer
	begunAt time.Time
	takenAt time.Time
	tookAt  time.Time // when the last request came that was answered with success
	goneAt  time.Time // when the sender went without an answer; zero if it did not
	got     uint64    // the highest answered with success
	open    int
	// forgotten: dz was restored from a backup, and has sent nothing since.
	forgotten bool
}

// answer is how the last request about a key was answered.
type answer int

const (
	none answer = iota
	taken
	refused
)

// wrote notes an event; the ledger is locked.
func (a *Account) wrote(ordinal uint64, e Event, at time.Time) {
	if a.certain&e.Type == 0 {
		return
	}
	m := maybe{a.toldOf(e), ordinal}
	a.maybe = append(a.maybe, m)
	a.remember(m, at)
}

// toldOf returns what the account is told of an event.
func (a *Account) toldOf(e Event) Event {
	if !a.reasons {
		e.Reason = 0
	}
	return e
}

// settle makes owed what is known to be in the store; the ledger is locked.
func (a *Account) settle() {
	n := 0
	for n < len(a.maybe) && a.maybe[n].ordinal <= a.ledger.ingested {
		a.owed[a.maybe[n].event.Key] = a.maybe[n].event.Number
		n++
	}
	a.maybe = slices.Delete(a.maybe, 0, n)
}

// Changing says that the subscription is about to become this set of change
// types. What it loses and is not known to be in the store is in doubt.
func (a *Account) Changing(to uint8) {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.settle()
	a.certain &= to
	a.maybe = slices.DeleteFunc(a.maybe, func(m maybe) bool { return m.event.Type&to == 0 })
	a.emitting = slices.DeleteFunc(a.emitting, func(e Event) bool { return e.Type&to == 0 })
}

// Changed says that the subscription is this set of change types now.
func (a *Account) Changed(to uint8) {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.certain = to
}

// AllowConcurrency notes that from now on there may be so many requests at a time.
func (a *Account) AllowConcurrency(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.terms.Concurrency = max(a.terms.Concurrency, n)
}

// AllowDebounce notes that from now on changes may wait no longer than this.
func (a *Account) AllowDebounce(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.terms.Debounce = min(a.terms.Debounce, d)
}

// Close says that the endpoint was removed, and nothing is owed to it any more.
func (a *Account) Close() {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.delivered = len(a.debts()) - len(a.missing())
	a.closed, a.certain, a.maybe, a.emitting = true, 0, nil, nil
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closedAt = time.Now()
}

// debts returns what is owed, the highest number of each key; the ledger is
// locked.
func (a *Account) debts() map[Key]uint64 {
	if a.closed {
		return nil
	}
	owed := maps.Clone(a.owed)
	for _, m := range a.maybe {
		owed[m.event.Key] = m.event.Number
	}
	return owed
}

// missing returns what of that was not delivered; the ledger is locked.
func (a *Account) missing() []Event {
	owed := a.debts()
	a.mu.Lock()
	defer a.mu.Unlock()
	var missing []Event
	for key, number := range owed {
		if s := a.seen[key]; s == nil || s.got < number {
			missing = append(missing, Event{Key: key, Number: number})
		}
	}
	return missing
}

// Missing counts what is owed and not delivered yet.
func (a *Account) Missing() int {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	return a.lacks()
}

// lacks is the same; the ledger is locked.
func (a *Account) lacks() int {
	n := len(a.missing())
	a.mu.Lock()
	defer a.mu.Unlock()
	return n + len(a.notAgain())
}

// Strange notes a request that should not be as it is.
func (a *Account) Strange(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault(&a.counts.Strange, format, args...)
}

// Got reports whether all of these changes, or later ones of their keys, were
// delivered.
func (a *Account) Got(events []Event) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range events {
		if s := a.seen[a.toldOf(e).Key]; s == nil || s.got < e.Number {
			return false
		}
	}
	return true
}

// fault counts and describes what must not be.
func (a *Account) fault(count *int, format string, args ...any) {
	*count++
	if len(a.told) < maxTold {
		a.told = append(a.told, fmt.Sprintf("endpoint %s: %s", a.id, fmt.Sprintf(format, args...)))
	}
}
