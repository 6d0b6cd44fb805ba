package managed

import (
	"fmt"
	"net/http"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// An answer is {"Items":[{"AssetId":16,"IntegrationState":"…"}]}, with the status
// 200. Names are matched without regard to case. An id may be written as a number or as
// a string, whatever it was in the request; but where it told both, 16 and "16", each is
// meant as it is written. Of two items of one asset the last counts; those of assets
// that were not told mean nothing.
//
// It is read where it lies: however many items a receiver answers, what is kept is
// no more than what was told.

// read says what an answer means: 200 with a readable body acknowledges the assets
// it has items of; anything else fails the request as a whole.
func (m *draft) read(got attempt.Answer, sent attempt.Outcome) style.Reading {
	reading := style.Reading{Outcome: sent, Debts: make([]style.Result, len(m.tellings))}
	said, failure := m.items(got, &sent)
	if failure != nil {
		reading.Outcome = *failure
		reading.Divide = maybeOne(failure)
		for i := range reading.Debts {
			reading.Debts[i].Outcome = *failure
		}
		return reading
	}
	acks := make([]tracking.Acknowledgement, len(m.tellings)) // they end together
	room := said.room()
	for i := range m.tellings {
		if t := &m.tellings[i]; t.isSent() {
			reading.Debts[i].Outcome = sent
			t.result(&reading.Debts[i], said.of(i), &acks[i], room)
		}
	}
	return reading
}

// items returns what an answer says of the assets that were told, or how the request
// failed.
func (m *draft) items(got attempt.Answer, sent *attempt.Outcome) (*items, *attempt.Outcome) {
	fail := func(reason attempt.Reason, text string) (*items, *attempt.Outcome) {
		failed := *sent
		failed.Verdict, failed.Reason, failed.Error = attempt.Unavailable, reason, text
		return nil, &failed
	}
	switch {
	case sent.Verdict != attempt.Delivered:
		return nil, sent
	case got.Status != http.StatusOK:
		return fail(attempt.UnexpectedStatus, fmt.Sprintf("answered %d %s, and only 200 is a success", got.Status, http.StatusText(got.Status)))
	case got.Truncated:
		return fail(attempt.AnswerTooLarge, fmt.Sprintf("the answer is larger than %d MiB", maxAnswer>>20))
	}
	said, err := readItems(got.Body, m.tellings)
	if err != nil {
		return fail(attempt.BadAnswer, err.Error())
	}
	return said, nil
}

// result makes of an outcome, that of the request, what an item of the answer means for
// one asset. ack becomes a part of it if the asset is acknowledged.
func (t *telling) result(r *style.Result, it item, ack *tracking.Acknowledgement, room *texts) {
	refuse := func(reason attempt.Reason, text string) {
		r.Outcome.Verdict, r.Outcome.Reason, r.Outcome.Error = attempt.Refused, reason, text
	}
	if !it.found {
		refuse(attempt.NoItem, "no item in answer")
		return
	}
	*ack = tracking.Acknowledgement{ID: t.id(), Delete: t.action == style.Delete, Digest: t.digest, Print: t.print}
	if !ack.Delete { // else its state means nothing any more
		var err error
		if ack.State, err = room.state(it.state); err != nil {
			refuse(attempt.BadAnswer, err.Error())
			return
		}
	}
	r.Acknowledged = ack
}

// maybeOne reports whether a request that failed as a whole may have failed for
// one of its assets: the receiver was there, and did not say that it is at fault
// itself.
func maybeOne(o *attempt.Outcome) bool {
	if o.Verdict != attempt.Refused && o.Verdict != attempt.Unavailable || !o.NotBefore.IsZero() {
		return false
	}
	switch o.Reason {
	case attempt.Timeout, attempt.ConnectionClosed, attempt.BadAnswer, attempt.AnswerTooLarge:
		return true
	case attempt.UnexpectedStatus, attempt.ServerError:
		return o.Status != http.StatusServiceUnavailable
	case attempt.ClientError:
		// The others say that the endpoint is set up wrongly.
		return o.Verdict == attempt.Refused
	default:
		return false
	}
}
