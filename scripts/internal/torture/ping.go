package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// pingReasons are those for which assets change: as many debts may be owed of each.
func pingReasons() []string { return []string{"metadata", "approved", "encoded"} }

// readPing reads one of style gateway, and checks the secret of the attempt.
func readPing(secret string) reader {
	return func(request *http.Request, account *ledger.Account) (ledger.Notification, error) {
		body, err := io.ReadAll(io.LimitReader(request.Body, maxBody))
		if err != nil {
			return ledger.Notification{}, err
		}
		var ping struct {
			Trigger struct {
				Event         string
				Created, Sent int64
				Secret        string
			}
			Item struct {
				ID  string
				GID uint64
			}
			Data struct{ General struct{ GID uint64 } }
		}
		if err := json.Unmarshal(body, &ping); err != nil {
			ping.Item.GID = ^uint64(0) // it was never written
		}
		item, err := strconv.ParseUint(ping.Item.ID, 10, 64)
		if err != nil {
			account.Strange("a ping of the item %q", ping.Item.ID)
		}
		if want := signature.GatewaySecret(ping.Item.ID, ping.Trigger.Created, ping.Trigger.Sent, secret, ""); ping.Trigger.Secret != want {
			account.Strange("a ping with the secret %q, not %q", ping.Trigger.Secret, want)
		}
		if ping.Data.General.GID != ping.Item.GID {
			account.Strange("a ping of change %d with the data of %d", ping.Item.GID, ping.Data.General.GID)
		}
		reason := slices.Index(pingReasons(), ping.Trigger.Event)
		if reason < 0 {
			account.Strange("a ping for the reason %q", ping.Trigger.Event)
		}
		key := ledger.Key{Type: asset, Reason: uint8(reason + 1), Item: item}
		return ledger.Notification{Event: ledger.Event{Key: key, Number: ping.Item.GID}, Message: request.Header.Get("Webhook-Id")}, nil
	}
}
