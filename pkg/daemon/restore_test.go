package daemon

import (
	"os"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// backup takes one, and returns where it is.
func (b *bubble) backup() string {
	b.Helper()
	file, err := os.Create(b.path + ".backup")
	if err != nil {
		b.Fatal(err)
	}
	if err := b.daemon.store.Backup(b.Context(), file); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return file.Name()
}

// restore stops dz, and starts it with a backup.
func (b *bubble) restore(backup string) {
	b.Helper()
	b.stop()
	if _, err := bolt.Restore(b.Context(), backup, b.path, time.Now()); err != nil {
		b.Fatal(err)
	}
	b.start()
}

// tells has the catalogue show an asset with that title, and an event tell of it.
func (b *bubble) tells(event, title string, asset int) {
	b.Helper()
	b.knows(title, asset, asset)
	b.push(event, asset, asset)
	b.wait(time.Minute)
}

// enable switches shop on or off.
func (b *bubble) enable(on bool) {
	b.Helper()
	if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", on); err != nil {
		b.Fatal(err)
	}
	b.wait(time.Minute)
}

// What an integration was told after the backup, a restored dz does not know. When the
// source has told of it again, the integration has what is there, and nothing else.
func TestAfterARestoreAnIntegrationHasWhatIsThere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		since func(b *bubble) // the backup, at which asset 1 is tracked and 2 is owed
		again func(b *bubble) // after the restore
	}{
		{
			"an asset came, and is gone when the source tells of it again",
			func(b *bubble) { b.tells("AssetCreated", "wanted", 3) },
			func(b *bubble) { b.loses(3, 3); b.push("AssetCreated", 3, 3); b.push("AssetDeleted", 3, 3) },
		},
		{
			"an asset came, and has left the filter",
			func(b *bubble) { b.tells("AssetCreated", "wanted", 3) },
			func(b *bubble) { b.tells("AssetMetadataUpdated", "unwanted", 3) },
		},
		{
			"an asset changed, and is as it was",
			func(b *bubble) { b.tells("AssetMetadataUpdated", "also wanted", 1) },
			func(b *bubble) { b.tells("AssetMetadataUpdated", "wanted", 1) },
		},
		{
			"an asset changed, and is as it was, and no event says so",
			func(b *bubble) { b.tells("AssetMetadataUpdated", "also wanted", 1) },
			func(b *bubble) { b.knows("wanted", 1, 1); b.resync("shop", api.ResyncOrder{Changed: true}) },
		},
		{
			"an asset left the filter, and is back by a field that is not shown",
			func(b *bubble) { b.tells("AssetMetadataUpdated", "unwanted", 1) },
			func(b *bubble) { b.knows("wanted", 1, 1); b.changes("AssetMetadataUpdated", "internal") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				k := b.keeping(acknowledge)
				b.add("shop", debounce(0), func(ep *endpoint.Endpoint) {
					ep.Style, ep.Subscription.ChangeTypes = "managed", 0
					ep.Subscription.Filter = `asset.title != "unwanted"`
				})
				b.tells("AssetCreated", "wanted", 1)
				b.enable(false)
				b.tells("AssetCreated", "wanted", 2)
				backup := b.backup()
				b.enable(true)
				tt.since(b)
				b.restore(backup)
				b.loses(2, 2) // and no event says so
				b.enable(true)
				tt.again(b)
				b.wait(time.Hour)
				if k.count() != 1 || k.title(1) != "wanted" {
					t.Errorf("the receiver has %d assets, the first is %q; told %q", k.count(), k.title(1), b.told("shop"))
				}
				if s := b.status(); !s.Idle || s.Endpoints[0].Tracked != 1 {
					t.Errorf("in the end: %+v", s.Endpoints[0])
				}
			})
		})
	}
}

// After a restore, what an integration may have is told to be deleted, though it never had
// most of it: that is no mass of deletions to be held, also if it has failed once.
func TestAfterARestoreWhatIsNotTrackedIsNotHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.add("shop", func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes = "managed", 0
			ep.Subscription.Filter = `asset.title != "unwanted"`
		})
		b.tells("AssetCreated", "wanted", 1)
		b.restore(b.backup())
		b.receiver.AnswerStatus(503)
		b.knows("unwanted", 2, 300)
		b.push("AssetMetadataUpdated", 2, 200)
		b.push("AssetDeleted", 201, 300)
		b.wait(time.Minute)
		b.told("shop")
		b.receiver.AnswerWith(acknowledge)
		b.wait(time.Hour)
		if told := b.told("shop"); len(told) != 299 || b.status().Debts.HeldDeletions > 0 {
			t.Errorf("told %d deletions, and %d are held; want 299 and none", len(told), b.status().Debts.HeldDeletions)
		}
	})
}
