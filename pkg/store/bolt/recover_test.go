package bolt

import (
	"context"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

func TestAMistakeInAProgramIsNoDamage(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := h.db.AddEndpoint(context.Background(), endpoint.Endpoint{Name: "shop"}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a mistake has not panicked")
		}
	}()
	err := h.db.view(func(*bbolt.Tx) error {
		panic("a mistake")
	})
	t.Errorf("a mistake is told as %v", err)
}
