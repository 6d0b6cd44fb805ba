package store

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// Tracking keeps what endpoints have acknowledged. Settle writes it, in the
// transaction that ends the debt: the state that an endpoint gave is never lost
// with the knowledge that it was told, nor the other way round.
type Tracking interface {
	// Tracked returns those of ids that the endpoint tracks, in the order asked, and as
	// often; others are left out.
	Tracked(ctx context.Context, endpoint uint64, ids []event.ID) ([]tracking.Asset, error)
	// ListTracked returns up to limit tracked assets after the cursor, and the
	// cursor to go on from; "" when there are no more. It returns fewer where
	// their states are large, but at least one. Order is that of ListAssets.
	ListTracked(ctx context.Context, endpoint uint64, cursor string, limit int) ([]tracking.Asset, string, error)
	// TrackedWithin returns up to limit tracked assets, without their states, after one
	// cursor of ListTracked up to another, "" for the end, and whether there are more.
	TrackedWithin(ctx context.Context, endpoint uint64, after, upTo string, limit int) (found []tracking.Asset, more bool, err error)
	// ResetTracked forgets all that the endpoint tracks, and the deletions that
	// are held, and returns how many assets that were. Deletions that are still
	// owed are none of tracked assets any more.
	ResetTracked(ctx context.Context, endpoint uint64) (uint64, error)
	// Losses returns what the guard against mass deletion goes by.
	Losses(ctx context.Context, endpoint uint64, now time.Time) (tracking.Losses, error)
	// Release makes all deletions due at now that are held, and returns how many; if
	// there are any, it forgets those of late. Deletions that were held before, and
	// are owed because of a change that is not newer, are not held again.
	Release(ctx context.Context, endpoint uint64, now time.Time) (uint64, error)
	// Held returns up to limit deletions after the cursor that are held, the one
	// that was owed first before others, and the cursor to go on from; "" when
	// there are no more.
	Held(ctx context.Context, endpoint uint64, cursor string, limit int) ([]debt.Debt, string, error)
	// ToldDeletion returns a time after which the endpoint has acknowledged no
	// deletion: when it did last, or was added; zero if that is not known.
	ToldDeletion(ctx context.Context, endpoint uint64) (time.Time, error)
	// Skips returns how many changes the endpoint was not told, by reason.
	Skips(ctx context.Context, endpoint uint64) (map[attempt.Reason]uint64, error)
}

// Resyncs keeps the last synchronisation of each endpoint.
type Resyncs interface {
	// Resync returns the endpoint's last job. ErrNotFound: there was none.
	Resync(ctx context.Context, endpoint uint64) (resync.Job, error)
	// Owe owes changes to one endpoint and keeps its job, in one transaction.
	// ErrNotFound if the endpoint was removed. ErrRevision if the job that is
	// kept has another number than the one before job, or is not running, and
	// job is not one that begins.
	Owe(ctx context.Context, o Owing) (Ingested, error)
}

// Owing is what a job has found.
type Owing struct {
	Endpoint uint64
	Now      time.Time
	Changes  []debt.Change
	// Handed are changes that the caller sees to, each of another key, without a debt:
	// the job stands for them. Those of which there is a debt merge into it:
	// Ingested.Owed says which.
	Handed debt.Alike
	Job    resync.Job
}
