package bolt

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// Sealer keeps secrets from who reads the file, or a copy of it. about is what
// they belong to: sealed records can't be exchanged. What its errors say is
// shown.
type Sealer interface {
	Seal(plain, about []byte) ([]byte, error)
	Open(sealed, about []byte) ([]byte, error)
}

// endpointRecord is an endpoint as it is kept: without its secrets, where they
// are sealed.
type endpointRecord struct {
	endpoint.Endpoint
	Sealed []byte `json:"sealed,omitempty"` // endpoint.Secrets, JSON
}

// aboutEndpoint is what the secrets of an endpoint are sealed with.
func aboutEndpoint(key []byte) []byte { return append([]byte("endpoint "), key...) }

func (o *Options) encodeEndpoint(ep *endpoint.Endpoint) ([]byte, error) {
	record := endpointRecord{Endpoint: *ep}
	if open, secrets := ep.Split(); o.Sealer != nil && !secrets.IsZero() {
		plain, err := json.Marshal(secrets)
		if err != nil {
			return nil, fmt.Errorf("encode endpoint %q: %w", ep.Name, err)
		}
		record.Endpoint = open
		if record.Sealed, err = o.Sealer.Seal(plain, aboutEndpoint(endpointKey(ep.ID))); err != nil {
			return nil, fmt.Errorf("seal the secrets of endpoint %q: %w", ep.Name, err)
		}
	}
	encoded, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode endpoint %q: %w", ep.Name, err)
	}
	return encoded, nil
}

// decodeEndpoint reads the record that lies under key. name is for errors.
func (o *Options) decodeEndpoint(name string, key, encoded []byte) (endpoint.Endpoint, error) {
	record, err := decodeRecord(name, encoded)
	if err != nil {
		return endpoint.Endpoint{}, err
	}
	return o.openRecord(name, key, &record)
}

func (o *Options) openRecord(name string, key []byte, record *endpointRecord) (endpoint.Endpoint, error) {
	if record.Sealed == nil {
		return record.Endpoint, nil
	}
	if o.Sealer == nil {
		return endpoint.Endpoint{}, fmt.Errorf("endpoint %q: its secrets are sealed, and there is no key", name)
	}
	plain, err := o.Sealer.Open(record.Sealed, aboutEndpoint(key))
	if err != nil {
		return endpoint.Endpoint{}, fmt.Errorf("endpoint %q: %w", name, err)
	}
	var secrets endpoint.Secrets
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return endpoint.Endpoint{}, fmt.Errorf("endpoint %q: what was sealed can't be read", name)
	}
	return record.Join(secrets), nil
}

func decodeRecord(name string, encoded []byte) (endpointRecord, error) {
	var record endpointRecord
	if err := decodeJSON(encoded, &record); err != nil {
		return record, damaged("endpoint %q: %w", name, err)
	}
	return record, nil
}

// sealEndpoints opens what is sealed, so that a wrong key is known before
// anything is done, and then seals what was written without a key. It runs
// before the writer does, and returns how many endpoints it sealed.
func (db *DB) sealEndpoints() (sealed int, err error) {
	var open []endpoint.Endpoint
	err = db.view(func(tx *bbolt.Tx) error {
		return eachEndpoint(tx, func(name string, key, encoded []byte) error {
			record, err := decodeRecord(name, encoded)
			if err != nil {
				return nil //nolint:nilerr // what is damaged is told to whoever reads it
			}
			if record.Sealed != nil {
				_, err := db.opts.openRecord(name, key, &record)
				return err
			}
			if _, secrets := record.Split(); !secrets.IsZero() {
				open = append(open, record.Endpoint)
			}
			return nil
		})
	})
	if err != nil || db.opts.Sealer == nil || len(open) == 0 {
		return 0, err
	}
	return len(open), db.rewriteEndpoints(open)
}

// rewriteEndpoints writes endpoints as they are; nobody need know of it.
func (db *DB) rewriteEndpoints(list []endpoint.Endpoint) (err error) {
	tx, err := db.begin(true)
	if err != nil {
		return err
	}
	defer recoverDamage(&err)()
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for i := range list {
		encoded, err := db.opts.encodeEndpoint(&list[i])
		if err != nil {
			return err
		}
		if err := tx.Bucket(bucketEndpoints).Put(endpointKey(list[i].ID), encoded); err != nil {
			return err
		}
	}
	return explainWrite(tx.Commit())
}

// eachEndpoint visits the records of all endpoints, by name.
func eachEndpoint(tx *bbolt.Tx, visit func(name string, key, encoded []byte) error) error {
	records := tx.Bucket(bucketEndpoints)
	return tx.Bucket(bucketNames).ForEach(func(name, key []byte) error {
		return visit(string(name), key, records.Get(key))
	})
}

// Sealed is what is sealed of an endpoint.
type Sealed struct {
	Endpoint string // its name
	About    []byte // what it was sealed with
	Sealed   []byte
}

// ReadSealed returns what is sealed in a file that is not in use.
func ReadSealed(path string) (list []Sealed, err error) {
	defer recoverDamage(&err)()
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", path, explainOffline(path, err))
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	err = b.View(func(tx *bbolt.Tx) error {
		if err := checkFormat(tx); err != nil {
			return err
		}
		return eachEndpoint(tx, func(name string, key, encoded []byte) error {
			record, err := decodeRecord(name, encoded)
			if err == nil && record.Sealed != nil {
				list = append(list, Sealed{name, aboutEndpoint(key), record.Sealed})
			}
			return err
		})
	})
	return list, err
}
