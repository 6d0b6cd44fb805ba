package main

import (
	"context"
	"net/http"
)

// million has a receiver be down until it is owed a million objects.
func million(ctx context.Context, r *rig) error {
	r.mostMemory = 512 << 20
	return r.outageOf(ctx, 1_000_000, 1_000_000, 3, status(http.StatusServiceUnavailable))
}
