package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
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

// message is a webhook-id: msg_<ULID>_<generation>, and behind the generation of a ping
// _<what it tells>. dz gives the ULIDs' low 64 bits in rising order.
type message struct {
	seq        uint64
	generation uint64
}

func (m message) before(other message) bool {
	return m.seq < other.seq || (m.seq == other.seq && m.generation < other.generation)
}

func parseMessage(text string, ping bool) (message, error) {
	want, form := 3, "msg_<id>_<generation>"
	if ping {
		want, form = 4, form+"_<digest>"
	}
	parts := strings.Split(text, "_")
	if len(parts) != want || parts[0] != "msg" {
		return message{}, fmt.Errorf("webhook-id %q is not %s", text, form)
	}
	id, err := ulid.ParseStrict(parts[1])
	if err != nil {
		return message{}, fmt.Errorf("webhook-id %q: %w", text, err)
	}
	generation, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("webhook-id %q: %w", text, err)
	}
	var seq uint64
	for _, b := range id[8:] {
		seq = seq<<8 | uint64(b)
	}
	return message{seq, generation}, nil
}

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

// Notification is a request as it came in.
type Notification struct {
	Event

	Message string // webhook-id
}

// Visit is a request under way.
type Visit struct {
	account *Account
	seen    *seen
	number  uint64
	begunAt time.Time
	ended   bool
}

// Begin notes that a request has come in.
func (a *Account) Begin(n Notification) *Visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
	a.counts.Requests++
	if !a.closedAt.IsZero() && time.Since(a.closedAt) > lateAfter {
		a.fault(&a.counts.Strange, "a request %v after the endpoint was removed", time.Since(a.closedAt))
	}
	message, err := parseMessage(n.Message, a.terms.Reasons)
	if err != nil {
		a.fault(&a.counts.Strange, "%v", err)
	}
	s, known := a.seen[n.Key]
	if !known {
		s = &seen{}
		a.seen[n.Key] = s
	}
	if s.open > 0 {
		a.fault(&a.counts.Overlaps, "%v: two requests at a time (%d and %d)", n.Key, s.number, n.Number)
	}
	again := known && !s.forgotten && a.isToldAgain(s, n, message)
	switch {
	case again:
		a.toldAgain++
	case known && !s.forgotten:
		a.compare(s, n, message)
	}
	a.judgeDebounce(s, known, n)
	s.forgotten = false
	s.open++
	now := time.Now()
	if n.Number >= s.number || again {
		s.number, s.message, s.epoch, s.answer = n.Number, message, len(a.ends), none
		s.begunAt, s.goneAt = now, time.Time{}
	}
	return &Visit{account: a, seen: s, number: n.Number, begunAt: now}
}

// compare judges a request by the one before it about the same key.
func (a *Account) compare(s *seen, n Notification, m message) {
	switch {
	case n.Number < s.number:
		a.fault(&a.counts.Stale, "%v: change %d after %d", n.Key, n.Number, s.number)
	case n.Number > s.number:
		if !s.message.before(m) {
			a.fault(&a.counts.Stale, "%v: generation %v of change %d after %v of %d", n.Key, m, n.Number, s.message, s.number)
		}
	case m != s.message:
		a.fault(&a.counts.Doubled, "%v: change %d was owed twice, as %v and %v", n.Key, n.Number, s.message, m)
	case s.answer == refused:
		// It is tried again, as it should be.
	case s.answer == none:
		a.compareUnanswered(s, n)
	case a.terms.Timeout < late && time.Since(s.begunAt) >= a.terms.Timeout:
		// The answer may have come to a busy dz when it had given the request up.
	case s.epoch == len(a.ends):
		a.fault(&a.counts.Repeated, "%v: change %d was delivered and sent again %v later, with no end of dz between",
			n.Key, n.Number, time.Since(s.takenAt))
	default:
		a.counts.Repeated++
		r := a.repeats[s.epoch]
		r.answered++
		a.repeats[s.epoch] = r
		if age := a.ends[s.epoch].age(s.takenAt); age > a.oldest.age {
			a.oldest = aged{age, n.Key, s.epoch}
		}
	}
}

// late is how long after it was sent a busy receiver may see a request, and a busy
// dz its answer: shorter timeouts are not judged.
const late = 5 * time.Second

// compareUnanswered judges a request that is made again, for the first was not
// answered. Its sender may have given it up after its timeout, an orderly stop may
// have cut it off after the grace, and a kill at any time.
func (a *Account) compareUnanswered(s *seen, n Notification) {
	if s.goneAt.IsZero() {
		return // it is still there, and told as such
	}
	ended := s.epoch < len(a.ends) && !s.goneAt.Before(a.ends[s.epoch].At)
	switch took := s.goneAt.Sub(s.begunAt); {
	case ended && a.ends[s.epoch].Killed:
		a.cutOff(s.epoch)
	case ended:
		if given := s.goneAt.Sub(a.ends[s.epoch].At); given < Grace/2 && took < a.terms.Timeout-late {
			a.fault(&a.counts.Repeated, "%v: change %d was cut off %v after dz was told to end, and sent again", n.Key, n.Number, given)
		}
	case took >= a.terms.Timeout-late:
	case s.epoch > 0 && a.ends[s.epoch-1].Killed && s.begunAt.Sub(a.ends[s.epoch-1].At) < late:
		a.cutOff(s.epoch - 1) // it was sent before the kill, and seen after it
	default:
		a.fault(&a.counts.Repeated, "%v: change %d was broken off after %v of %v, and sent again", n.Key, n.Number, took, a.terms.Timeout)
	}
}

// cutOff counts a request that a kill has cut off, and that is made again.
func (a *Account) cutOff(epoch int) {
	a.counts.Repeated++
	r := a.repeats[epoch]
	r.cut++
	a.repeats[epoch] = r
}

// early is how much earlier than they should changes may come: clocks are rounded.
const early = 20 * time.Millisecond

// judgeDebounce holds a request to the debounce: it may not begin earlier after the
// first change that the receiver does not know of. Where it may have been told of
// that already, and will not have said so, the time since is not known.
func (a *Account) judgeDebounce(s *seen, known bool, n Notification) {
	if a.terms.Debounce <= 0 || (known && (s.forgotten || s.answer != taken || s.epoch != len(a.ends) || n.Number <= s.number)) {
		return
	}
	first := a.ledger.history.firstAfter(n.Key, s.number)
	if waited := time.Since(first); !first.IsZero() && waited < a.terms.Debounce-early {
		a.fault(&a.counts.Early, "%v: change %d came %v after the first that was to be told, not %v", n.Key, n.Number, waited, a.terms.Debounce)
	}
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

// Take notes that the request is about to be answered with success.
func (v *Visit) Take() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Delivered++
	v.seen.got, v.seen.tookAt = max(v.seen.got, v.number), v.begunAt
	if v.number == v.seen.number {
		v.seen.answer, v.seen.takenAt = taken, time.Now()
	}
}

// Refuse notes that the request is about to be answered otherwise.
func (v *Visit) Refuse() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.number == v.seen.number {
		v.seen.answer = refused
	}
}

// End notes that the request is over; if it was neither taken nor refused, its
// sender has gone. It is called before the last byte of the answer is sent, so that
// the next request can't come before.
func (v *Visit) End() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.ended {
		return
	}
	v.ended = true
	v.seen.open--
	a.open--
	if v.number == v.seen.number && v.seen.answer == none {
		v.seen.goneAt = time.Now()
	}
}
