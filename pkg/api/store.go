package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// StoreContents is what a store holds.
type StoreContents struct {
	Endpoints int    `json:"endpoints"`
	Debts     uint64 `json:"debts" doc:"owed, without failures"`
	Retrying  uint64 `json:"retrying" doc:"of the debts, those that failed at least once"`
	Failures  uint64 `json:"failures"`
	Events    uint64 `json:"events" doc:"recent ones that are kept"`
}

// StoreStats is what a store holds and what takes its room.
type StoreStats struct {
	Path      string `json:"path"`
	Format    int    `json:"format" doc:"version of the store's format"`
	Size      int64  `json:"size" doc:"bytes of the file"`
	MaxSize   int64  `json:"maxSize" doc:"bytes; 0 is unlimited, or unknown without the daemon"`
	Free      int64  `json:"free" doc:"bytes within the file that hold nothing"`
	PageSize  int    `json:"pageSize" doc:"bytes"`
	Pages     uint64 `json:"pages"`
	FreePages uint64 `json:"freePages"`
	StoreContents
	EventBytes  int64         `json:"eventBytes" doc:"of the recent events, compressed"`
	OldestEvent *time.Time    `json:"oldestEvent" doc:"when it came in; null without any"`
	NewestEvent *time.Time    `json:"newestEvent"`
	Buckets     []StoreBucket `json:"buckets"`
}

// StoreBucket is one part of a store.
type StoreBucket struct {
	Name    string `json:"name"`
	Holds   string `json:"holds" doc:"in words"`
	Entries uint64 `json:"entries"`
	Bytes   int64  `json:"bytes" doc:"of keys and values"`
}

// StoreBackup is a backup that was written and read again.
type StoreBackup struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`
	Format int    `json:"format"`
	StoreContents
}

// StoreRestored says what a restore did.
type StoreRestored struct {
	Path   string `json:"path"`
	Backup string `json:"backup"`
	Kept   string `json:"kept" doc:"where the store before is now; empty if there was none"`
	Size   int64  `json:"size"`
	Format int    `json:"format"`
	// FormatBefore is that of the backup.
	FormatBefore int `json:"formatBefore" doc:"of the backup; if it is older, no older dz reads the store as it is now"`
	StoreContents
}

// StoreCompacted says what compacting did.
type StoreCompacted struct {
	Path   string `json:"path"`
	Before int64  `json:"before" doc:"bytes"`
	After  int64  `json:"after" doc:"bytes"`
	Format int    `json:"format"`
	// FormatBefore is what it was before.
	FormatBefore int `json:"formatBefore" doc:"if it is older, no older dz reads the store any more"`
}

// StoreCheck is what a check found.
type StoreCheck struct {
	Path    string       `json:"path"`
	Sound   bool         `json:"sound" doc:"all can be read and fits together; a value that was changed to another is not seen"`
	Format  int          `json:"format" doc:"0 if it can't be told"`
	Size    int64        `json:"size"`
	Pages   uint64       `json:"pages"`
	Entries uint64       `json:"entries"`
	Faults  []StoreFault `json:"faults" doc:"the first of them"`
	// TotalFaults is how many there are of all.
	TotalFaults uint64 `json:"totalFaults"`
	StoreContents
	Secrets *StoreSecrets `json:"secrets" doc:"null if the store is damaged"`
}

// StoreSecrets says what the secrets in a store are sealed with.
type StoreSecrets struct {
	Endpoints int      `json:"endpoints" doc:"that have secrets which are sealed"`
	Keys      []string `json:"keys" doc:"ids of the keys"`
	KeyFile   string   `json:"keyFile" doc:"that was tried; empty: none"`
	Opens     bool     `json:"opens" doc:"whether the key in it opens all of them; true if there are none"`
	Problem   string   `json:"problem" doc:"why it does not"`
}

// StoreFault is one thing in a store that makes no sense.
type StoreFault struct {
	Page    uint64 `json:"page,omitempty" doc:"that is bad; none if a record is"`
	Bucket  string `json:"bucket,omitempty"`
	Holds   string `json:"holds,omitempty" doc:"what the bucket is for"`
	Key     string `json:"key,omitempty" doc:"of the record, or the least that may lie beneath the page"`
	Problem string `json:"problem"`
}

// StoreStats returns what the daemon's store holds.
func (c *Client) StoreStats(ctx context.Context) (StoreStats, error) {
	return call[StoreStats](ctx, c, http.MethodGet, route("store"), nil, nil)
}

// Backup writes a consistent copy of the daemon's store, of any size, while the
// daemon goes on. It holds secrets, and needs the right to write. After an error
// what was written is worth nothing.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	response, err := c.do(ctx, http.MethodGet, route("store", "backup"), nil, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, answerReader{ctx, c, response.Body}); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

// answerReader tells what goes wrong with the daemon from what goes wrong with
// the file that its answer is written to.
type answerReader struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	client *Client
	body   io.Reader
}

func (r answerReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.client.explain(r.ctx, err)
	}
	return n, err
}
