package admin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestFailureView(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	failure := debt.Failure{
		Debt: debt.Debt{
			ID:         debt.NewID(now, 1, 2),
			Object:     event.Object{Kind: event.Asset, ItemID: event.IntID(1), BaseID: event.StringID("b")},
			ChangeType: event.AssetChanged, EventType: "AssetCreated",
			Count: 3, Attempts: 4, FirstSeen: now, LastSeen: now.Add(1), LastAttempt: now.Add(2), Due: now.Add(3),
		},
		Outcome: attempt.Outcome{Reason: attempt.ServerError, Status: 500, Error: "answered 500", Response: []byte("oops")},
	}
	due := failure.Due
	want := api.Failure{
		ID: failure.ID.String(), Endpoint: "shop",
		Object:     api.Object{Kind: "asset", ItemID: event.IntID(1), BaseID: event.StringID("b")},
		ChangeType: "AssetChanged", EventType: "AssetCreated", State: "retrying",
		Reason: attempt.ServerError, Status: 500, Attempts: 4, Changes: 3,
		FirstSeen: now, LastSeen: now.Add(1), LastAttempt: now.Add(2), NextAttempt: &due,
		Error: "answered 500", Response: "oops",
	}
	if diff := cmp.Diff(want, NewFailure(failure, "shop"), sameID); diff != "" {
		t.Errorf("retrying (-want +got):\n%s", diff)
	}
	failure.Failed = true
	want.State, want.NextAttempt = "failed", nil
	if diff := cmp.Diff(want, NewFailure(failure, "shop"), sameID); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	since, until := time.Unix(1, 0), time.Unix(2, 0)
	id := debt.NewID(since, 1, 2)
	got, err := NewSelection(api.FailureSelection{
		IDs: []string{id.String()}, Object: "asset/1", Reasons: []attempt.Reason{attempt.TLS}, Statuses: []int{500},
		Since: &since, Until: &until, Retrying: true,
	}, []uint64{9})
	if err != nil {
		t.Fatal(err)
	}
	want := debt.Selection{
		Endpoints: []uint64{9}, IDs: []debt.ID{id}, Object: "asset/1", Reasons: []attempt.Reason{attempt.TLS}, Statuses: []int{500},
		Since: since, Until: until, Retrying: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = NewSelection(api.FailureSelection{IDs: []string{"nonsense"}}, nil)
	wantError(t, err, api.CodeInvalid, "nonsense", "dz failures list")
}
