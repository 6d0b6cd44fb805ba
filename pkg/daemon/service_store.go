package daemon

import (
	"context"
	"errors"
	"io"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/store/bolt"
	"github.com/dam-delivery/dz/pkg/upkeep"
)

// inspector is an engine that can say what takes its room.
type inspector interface {
	Inspect(ctx context.Context) (bolt.Inspection, error)
}

// StoreStats says what the store holds.
func (s *service) StoreStats(ctx context.Context) (api.StoreStats, error) {
	engine, ok := s.store.(inspector)
	if !ok {
		return api.StoreStats{}, invalid(errors.New("the store does not say what takes its room"))
	}
	found, err := engine.Inspect(ctx)
	if err != nil {
		return api.StoreStats{}, told(err)
	}
	stats := upkeep.Describe(found)
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.MaxSize = int64(s.config.Store.MaxSize)
	return stats, nil
}

// Backup writes a copy of the store.
func (s *service) Backup(ctx context.Context, w io.Writer) error { return told(s.store.Backup(ctx, w)) }
