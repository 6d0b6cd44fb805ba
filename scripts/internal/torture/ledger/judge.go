package ledger

import (
	"time"
)

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
