// Package upkeep owns what is done to a store's file as a whole: checking it,
// saying what it holds, compacting it, writing a backup and restoring one. All
// of it but Describe works on files that no daemon has open.
//
// It guarantees that a file is replaced as a whole or not at all, whatever fails
// and whenever the process ends, and that a file that is in use is left alone.
// What a person can mend comes back as *api.Error with a hint.
//
// It must not know of flags and terminals, nor of the stages.
package upkeep

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// Stats returns what the store at path holds.
func Stats(ctx context.Context, path string) (api.StoreStats, error) {
	found, err := bolt.InspectFile(ctx, path)
	if err != nil {
		return api.StoreStats{}, explain(err, "leave FILE out to ask the daemon")
	}
	return Describe(found), nil
}

// Describe says what was found in a store as the API says it, its buckets by name.
func Describe(found bolt.Inspection) api.StoreStats {
	stats := api.StoreStats{
		Path: found.Path, Format: found.Format, Size: found.Size, Free: found.Free(), PageSize: found.PageSize,
		Pages: found.Pages, FreePages: found.FreePages, StoreContents: contents(found.Contents),
		EventBytes: found.EventBytes, OldestEvent: timePointer(found.Oldest), NewestEvent: timePointer(found.Newest),
		Buckets: make([]api.StoreBucket, len(found.Buckets)),
	}
	for i, b := range found.Buckets {
		stats.Buckets[i] = api.StoreBucket{Name: b.Name, Holds: holds(b.Name), Entries: b.Entries, Bytes: b.Bytes}
	}
	slices.SortFunc(stats.Buckets, func(a, b api.StoreBucket) int { return strings.Compare(a.Name, b.Name) })
	return stats
}

func contents(c bolt.Contents) api.StoreContents {
	return api.StoreContents{
		Endpoints: c.Endpoints, Debts: c.Debts.Open, Retrying: c.Debts.Retrying, Failures: c.Debts.Failed, Events: c.Events,
	}
}

// holds says in words what is in a bucket, for those who have to decide what the
// loss of it means.
func holds(bucket string) string {
	return map[string]string{
		"meta":      "the format and what counts for the whole store",
		"endpoints": "the registered endpoints",
		"names":     "the endpoints' names",
		"health":    "how endpoints are",
		"counts":    "counts of what is owed and was told",
		"owed":      "what endpoints are owed",
		"debts":     "what endpoints are owed, of a former format",
		"due":       "an index of the debts by time",
		"trouble":   "why attempts failed",
		"positions": "how far sources were read",
		"events":    "recent events, to look back",
		"rejected":  "input that could not be read",
		"assets":    "what is known of assets",
		"tracked":   "what endpoints have acknowledged of assets",
		"deletions": "deletions of late, for the guard against too many",
		"skips":     "counts of changes that endpoints were not told",
		"resyncs":   "the last synchronisation of each endpoint",
		"removed":   "endpoints that are being removed",
	}[bucket]
}

// Compact makes a store's file as small as it can be.
func Compact(ctx context.Context, path string) (api.StoreCompacted, error) {
	done, err := bolt.Compact(ctx, path)
	if err != nil {
		return api.StoreCompacted{}, explain(err, "stop it first, or restart it with store.compact set to always")
	}
	return api.StoreCompacted{
		Path: path, Before: done.Before, After: done.After, FormatBefore: done.FormatBefore, Format: bolt.Format,
	}, nil
}

// Restore puts a backup in the store's place, and keeps what was there under a
// name with now in it.
func Restore(ctx context.Context, backup, path string, now time.Time) (api.StoreRestored, error) {
	done, err := bolt.Restore(ctx, backup, path, now)
	if errors.Is(err, bolt.ErrSameFile) {
		return api.StoreRestored{}, &api.Error{Code: api.CodeInvalid, Message: backup + " is the store itself"}
	}
	if err != nil {
		return api.StoreRestored{}, explain(err, "stop it first: a store is restored while no daemon runs")
	}
	return api.StoreRestored{
		Path: done.Path, Backup: backup, Kept: done.Kept, Size: done.Size, Format: done.Format,
		FormatBefore: done.FormatBefore, StoreContents: contents(done.Contents),
	}, nil
}

// explain says of an error what a person can do.
func explain(err error, whenLocked string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrLocked):
		return &api.Error{Code: api.CodeConflict, Message: err.Error(), Hint: whenLocked}
	case errors.Is(err, fs.ErrNotExist):
		return &api.Error{Code: api.CodeNotFound, Message: err.Error()}
	case errors.Is(err, fs.ErrPermission):
		return &api.Error{Code: api.CodeForbidden, Message: err.Error(), Hint: "run it as the daemon's user or root"}
	case errors.Is(err, store.ErrFull):
		return &api.Error{Code: api.CodeFull, Message: err.Error()}
	default:
		return err
	}
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
