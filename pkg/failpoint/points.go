// Package failpoint owns the points of the program at which scripts/torture ends
// it: between two steps that belong together, where a crash would cost most.
//
// Without the build tag torture, Reach is an empty function, of which the
// compiler leaves nothing. With it, an environment variable says at which point
// the process ends or stops, and another sets its clock. A point has no other
// effect, and nothing may depend on one.
package failpoint

import "fmt"

// Point names a point. It says what has just been done.
type Point string

// The points.
const (
	// Applied: the changes of a group of calls are made, and not committed.
	Applied Point = "applied"
	// Committed: a group is durable, and nobody has been told.
	Committed Point = "committed"
	// Ingested: a batch is durable, and its source does not know.
	Ingested Point = "ingested"
	// Answered: a receiver has answered, and nothing of it is recorded.
	Answered Point = "answered"
	// Settled: how attempts ended is durable, and their lane does not know.
	Settled Point = "settled"
	// PageOwed: what a page of a synchronisation came to is owed, and who goes
	// through the pages does not know.
	PageOwed Point = "page-owed"
	// EndpointAdded, EndpointChanged and EndpointRemoved: the store knows of the
	// change, and the table that events are routed by does not.
	EndpointAdded   Point = "endpoint-added"
	EndpointChanged Point = "endpoint-changed"
	EndpointRemoved Point = "endpoint-removed"
	// Rotated: a file is found under another name, and no position says so.
	Rotated Point = "rotated"
	// Snapshot: the store is copied for a backup, and its reader still holds the
	// pages.
	Snapshot Point = "snapshot"
	// CompactCopied: the compacted file is whole, and still under another name.
	CompactCopied Point = "compact-copied"
	// CompactRenamed: it has its name, which is not flushed.
	CompactRenamed Point = "compact-renamed"
	// RestoreCopied: the restored file is whole, and still under another name.
	RestoreCopied Point = "restore-copied"
	// RestoreKept: the store before has its second name, and still its first.
	RestoreKept Point = "restore-kept"
	// RestoreRenamed: the restored file has the store's name, which is not flushed.
	RestoreRenamed Point = "restore-renamed"
)

// Points returns all there are.
func Points() []Point {
	return []Point{
		Applied, Committed, Ingested, Answered, Settled, PageOwed, EndpointAdded, EndpointChanged, EndpointRemoved,
		Rotated, Snapshot, CompactCopied, CompactRenamed, RestoreCopied, RestoreKept, RestoreRenamed,
	}
}

const (
	// Variable is the environment variable that arms a point, as Arm writes it.
	Variable = "TORTURE_POINT"
	// ClockVariable is the one that names a file with how far the process's clock
	// is off: a duration as Go writes it, in whole seconds. The file is read
	// whenever the clock is.
	ClockVariable = "TORTURE_CLOCK"
)

// Action is what happens at an armed point.
type Action string

// The actions.
const (
	Kill Action = "kill" // the process ends (SIGKILL)
	Stop Action = "stop" // the process stands still (SIGSTOP) until somebody wakes it or ends it
)

// Arm writes the value of Variable that has something happen when a point is
// reached for the n-th time, from 1.
func Arm(action Action, point Point, n int) string { return fmt.Sprintf("%s:%s:%d", action, point, n) }
