package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

var (
	bucketAssets = []byte("assets")
	bucketStates = []byte("states")
)

// keeping is the bare client's store: the least that a sender needs to have whose
// receiver gives each asset a state. It reads the assets and their states from bbolt,
// and keeps there what the receiver answers, in commits that are flushed to the disk
// and shared by all answers that wait for one. It owes nothing, judges nothing, has no
// filter, and is for one receiver.
type keeping struct {
	db       *bbolt.DB
	requests [][]string // the ids of the assets of each request
	waiting  chan kept
	ended    chan struct{}
}

// kept is an answer that is to be kept.
type kept struct {
	items []keptItem
	done  chan error
}

type keptItem struct {
	AssetID          json.RawMessage `json:"AssetId"` //nolint:tagliatelle // the receiver's
	IntegrationState string          //nolint:tagliatelle // the receiver's
}

// newKeeping puts what the requests tell into a new file.
func newKeeping(path string, bodies [][]byte) (*keeping, error) {
	db, err := bbolt.Open(path, 0o600, bareOptions())
	if err != nil {
		return nil, err
	}
	k := &keeping{db: db, waiting: make(chan kept, len(bodies)), ended: make(chan struct{})}
	if err := db.Update(func(tx *bbolt.Tx) error { return k.fill(tx, bodies) }); err != nil {
		return nil, errors.Join(err, db.Close(), os.Remove(path))
	}
	go k.commit()
	return k, nil
}

func (k *keeping) fill(tx *bbolt.Tx, bodies [][]byte) error {
	assets, err := tx.CreateBucket(bucketAssets)
	if err != nil {
		return err
	}
	states, err := tx.CreateBucket(bucketStates)
	if err != nil {
		return err
	}
	for _, body := range bodies {
		var asked struct {
			Actions []action `json:"actions"`
		}
		if err := json.Unmarshal(body, &asked); err != nil {
			return err
		}
		ids := make([]string, len(asked.Actions))
		for i, a := range asked.Actions {
			if a.IntegrationState == nil {
				return fmt.Errorf("asset %s comes without a state", a.AssetID)
			}
			ids[i] = string(a.AssetID)
			if err := errors.Join(assets.Put(a.AssetID, a.Asset), states.Put(a.AssetID, []byte(*a.IntegrationState))); err != nil {
				return err
			}
		}
		k.requests = append(k.requests, ids)
	}
	return nil
}

// close waits until everything is kept.
func (k *keeping) close() error {
	close(k.waiting)
	<-k.ended
	path := k.db.Path() // which it has no more once it is closed
	return errors.Join(k.db.Close(), os.Remove(path))
}

// compose appends the body of a request.
func (k *keeping) compose(body []byte, request int) ([]byte, error) {
	body = append(body, `{"actions":[`...)
	err := k.db.View(func(tx *bbolt.Tx) error {
		assets, states := tx.Bucket(bucketAssets), tx.Bucket(bucketStates)
		for i, id := range k.requests[request] {
			if i > 0 {
				body = append(body, ',')
			}
			state := states.Get([]byte(id))
			body = append(append(body, `{"type":"sync","asset":`...), assets.Get([]byte(id))...)
			body = rawjson.AppendString(append(body, `,"integrationState":`...), state)
			hash := sha256.Sum256(state)
			body = hex.AppendEncode(append(body, `,"assetStateHash":"`...), hash[:])
			body = append(append(append(body, `","assetId":`...), id...), '}')
		}
		return nil
	})
	return append(body, `],"configuration":null,"tenantId":""}`...), err
}

// keep reads an answer, and returns when it is durable.
func (k *keeping) keep(request int, answer []byte) error {
	var said struct {
		Items []keptItem //nolint:tagliatelle // the receiver's
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return err
	}
	if len(said.Items) != len(k.requests[request]) {
		return fmt.Errorf("the receiver answered of %d assets, not %d", len(said.Items), len(k.requests[request]))
	}
	one := kept{said.Items, make(chan error, 1)}
	k.waiting <- one
	return <-one.done
}

// commit keeps all answers that wait, and those that came meanwhile after that.
func (k *keeping) commit() {
	defer close(k.ended)
	for first := range k.waiting {
		group := []kept{first}
		for range len(k.waiting) {
			group = append(group, <-k.waiting)
		}
		err := k.db.Update(func(tx *bbolt.Tx) error {
			states := tx.Bucket(bucketStates)
			for _, one := range group {
				for _, item := range one.items {
					if err := states.Put(item.AssetID, []byte(item.IntegrationState)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for _, one := range group {
			one.done <- err
		}
	}
}
