package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/seal"
)

// secretEndpoint has the text hunter2 in everything that is secret.
func secretEndpoint(name string) endpoint.Endpoint {
	ep := testEndpoint(name)
	ep.URL = "https://dam:hunter2@shop.example/in?token=hunter2"
	ep.Headers = map[string]string{"Authorization": "Bearer hunter2"}
	ep.Signing = []endpoint.SigningSecret{{Secret: "whsec_hunter2"}, {Secret: "whsk_hunter2", Expires: noon}}
	ep.Options = map[string]json.RawMessage{"token": json.RawMessage(`"hunter2"`)}
	return ep
}

var sameIDs = cmp.Comparer(func(a, b event.ID) bool { return a == b })

func openSealed(t *testing.T, path string, sealer Sealer) *DB {
	t.Helper()
	opts := testOptions()
	opts.Sealer = sealer
	db, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func newKey(t *testing.T) *seal.Key {
	t.Helper()
	key, err := seal.Make()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func endpointNamed(t *testing.T, db *DB, name string) endpoint.Endpoint {
	t.Helper()
	all, err := db.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, ep := range all.List {
		if ep.Name == name {
			return ep
		}
	}
	t.Fatalf("no endpoint %s in %v", name, all.List)
	return endpoint.Endpoint{}
}

func fileHolds(t *testing.T, path, text string) bool {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(content, []byte(text))
}

func TestSecretsAreNowhereInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	key := newKey(t)
	db := openSealed(t, path, key)
	added, err := db.AddEndpoint(t.Context(), secretEndpoint("shop"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(added.Endpoint, endpointNamed(t, db, "shop"), sameIDs); diff != "" {
		t.Errorf("it came back changed (-added +read):\n%s", diff)
	}
	updated, err := db.UpdateEndpoint(t.Context(), "shop", func(ep *endpoint.Endpoint) error {
		if ep.Headers["Authorization"] != "Bearer hunter2" {
			t.Errorf("the change sees %v", ep.Headers)
		}
		ep.Headers = map[string]string{"Authorization": "Bearer hunter2", "X-Key": "hunter2 again"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if fileHolds(t, path, "hunter2") {
		t.Error("the file holds a secret")
	}
	if !fileHolds(t, path, "https://***@shop.example/in?token=***") {
		t.Error("what is no secret can't be read in the file")
	}
	again := openSealed(t, path, key)
	if diff := cmp.Diff(updated.Endpoint, endpointNamed(t, again, "shop"), sameIDs); diff != "" {
		t.Errorf("opened again, it is another one (-before +after):\n%s", diff)
	}
	if again.SealedAtOpen() != 0 {
		t.Errorf("%d endpoints are sealed again", again.SealedAtOpen())
	}
}

func TestASealedStoreIsNotOpenedWithoutItsKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	key, other := newKey(t), newKey(t)
	db := openSealed(t, path, key)
	if _, err := db.AddEndpoint(t.Context(), secretEndpoint("shop")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts := testOptions()
	opts.Sealer = nil
	if _, err := Open(path, opts); err == nil || !strings.Contains(err.Error(), `endpoint "shop": its secrets are sealed, and there is no key`) {
		t.Errorf("without a key: %v", err)
	}
	opts.Sealer = other
	var wrong *seal.WrongKeyError
	if _, err := Open(path, opts); !errors.As(err, &wrong) || wrong.Sealed != key.ID() || !strings.Contains(err.Error(), path) {
		t.Errorf("with another key: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if got := endpointNamed(t, openSealed(t, path, key), "shop"); got.Headers["Authorization"] != "Bearer hunter2" {
		t.Errorf("with its own key it holds %v", got.Headers)
	}
}

func TestAStoreWithoutSecretsOpensWithAnyKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := openSealed(t, path, newKey(t))
	addEndpoint(t, db, "plain")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := endpointNamed(t, openSealed(t, path, newKey(t)), "plain"); got.URL != "http://127.0.0.1:9/" {
		t.Errorf("it holds %v", got)
	}
}

func TestWhatWasWrittenWithoutAKeyIsSealedAtOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := openSealed(t, path, nil)
	added, err := db.AddEndpoint(t.Context(), secretEndpoint("shop"))
	if err != nil {
		t.Fatal(err)
	}
	addEndpoint(t, db, "plain")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	db = openSealed(t, path, key)
	if db.SealedAtOpen() != 1 {
		t.Errorf("%d endpoints are sealed, want 1", db.SealedAtOpen())
	}
	if diff := cmp.Diff(added.Endpoint, endpointNamed(t, db, "shop"), sameIDs); diff != "" {
		t.Errorf("it came back changed (-before +after):\n%s", diff)
	}
	all, err := db.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all.Revision != added.Revision+1 { // of the second endpoint
		t.Errorf("revision %d, want %d: for others nothing has changed", all.Revision, added.Revision+1)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Compact(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if fileHolds(t, path, "hunter2") {
		t.Error("compacted, the file holds a secret")
	}
}

func TestWhatIsSealedOfOneEndpointIsNotAnothers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	key := newKey(t)
	db := openSealed(t, path, key)
	for _, name := range []string{"shop", "pim"} {
		if _, err := db.AddEndpoint(t.Context(), secretEndpoint(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		records := tx.Bucket(bucketEndpoints)
		var shop, pim endpointRecord
		if err := errors.Join(json.Unmarshal(records.Get(endpointKey(1)), &shop), json.Unmarshal(records.Get(endpointKey(2)), &pim)); err != nil {
			return err
		}
		shop.Sealed = pim.Sealed
		swapped, err := json.Marshal(shop)
		if err != nil {
			return err
		}
		return records.Put(endpointKey(1), swapped)
	})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	opts := testOptions()
	opts.Sealer = key
	if _, err := Open(path, opts); !errors.Is(err, seal.ErrBroken) || !strings.Contains(err.Error(), `endpoint "shop"`) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsSealedCanBeCheckedOffline(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	key := newKey(t)
	db := openSealed(t, path, key)
	if _, err := db.AddEndpoint(t.Context(), secretEndpoint("shop")); err != nil {
		t.Fatal(err)
	}
	addEndpoint(t, db, "plain")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := ReadSealed(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Endpoint != "shop" {
		t.Fatalf("sealed are %v", list)
	}
	if opened, err := key.Open(list[0].Sealed, list[0].About); err != nil || !bytes.Contains(opened, []byte("hunter2")) {
		t.Errorf("opened as %s, %v", opened, err)
	}
}
