package debt

import (
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// Failure is a debt whose last attempt failed, with what that attempt left. It
// is a failure in the strict sense, one that waits for a person, if Failed.
type Failure struct {
	Debt
	Outcome attempt.Outcome
}

// Selection says which failures are meant. Empty members mean any; members
// given together must all hold.
type Selection struct {
	Endpoints []uint64
	IDs       []ID
	// Object is "kind/id" or an id alone: the item's or the base's.
	Object   string
	Reasons  []attempt.Reason
	Statuses []int
	Since    time.Time // last attempt at or after
	Until    time.Time // last attempt before
	// Retrying also selects debts that are still being retried by themselves.
	Retrying bool
}

// Match reports whether the failure is meant.
func (s Selection) Match(f Failure) bool {
	switch {
	case !f.Failed && !s.Retrying,
		len(s.Endpoints) > 0 && !slices.Contains(s.Endpoints, f.Endpoint),
		len(s.IDs) > 0 && !slices.Contains(s.IDs, f.ID),
		len(s.Reasons) > 0 && !slices.Contains(s.Reasons, f.Outcome.Reason),
		len(s.Statuses) > 0 && !slices.Contains(s.Statuses, f.Outcome.Status),
		!s.Since.IsZero() && f.LastAttempt.Before(s.Since),
		!s.Until.IsZero() && !f.LastAttempt.Before(s.Until):
		return false
	}
	return s.Object == "" || s.matchObject(f)
}

func (s Selection) matchObject(f Failure) bool {
	id := s.Object
	if kind, rest, found := strings.Cut(s.Object, "/"); found && kind == string(f.Object.Kind) {
		id = rest
	}
	return id == f.Object.ItemID.String() || id == f.Object.BaseID.String()
}
