package managed

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/rawjson"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// The names in an answer.
var (
	nameItems = []byte("Items")
	nameAsset = []byte("AssetId")
	nameState = []byte("IntegrationState")
)

// item is what an answer says of an asset.
type item struct {
	found bool
	state rawjson.Value // nil: none
}

// items are those of the assets that were told, read in one pass. What they say counts
// only if the whole answer could be read.
type items struct {
	rawjson.Reader
	told  toldIDs
	items []item // one a telling
	list  byte   // what the last member Items begins with; 0 if there is none

	asset rawjson.Value // of the item that is being read
	state rawjson.Value
}

// readItems reads the items of the assets that were told. The error repeats nothing of
// the body.
func readItems(body []byte, tellings []telling) (*items, error) {
	is := &items{Reader: rawjson.NewReader(body), told: newToldIDs(tellings), items: make([]item, len(tellings))}
	first := is.Next()
	if err := is.whole(); err != nil {
		return nil, fmt.Errorf("the answer can't be read: %w", err)
	}
	switch {
	case first != '{':
		return nil, errors.New("the answer is no JSON object")
	case is.list == 0, is.list == 'n': // which is null
		return nil, errors.New("the answer has no Items")
	case is.list != '[':
		return nil, errors.New("the answer's Items is no list")
	}
	return is, nil
}

// of returns what an answer says of the asset of a telling.
func (is *items) of(i int) item { return is.items[is.told.slot(i)] }

// whole reads all of the answer.
func (is *items) whole() error {
	read := is.pass
	if is.Next() == '{' {
		read = func() error { return is.Object(is.member) }
	}
	if err := read(); err != nil {
		return err
	}
	return is.End()
}

// pass reads what means nothing.
func (is *items) pass() error {
	_, err := is.Value()
	return err
}

// member reads a member of the answer. Of several Items the last counts.
func (is *items) member(name []byte) error {
	if !bytes.EqualFold(name, nameItems) {
		return is.pass()
	}
	if is.list != 0 {
		clear(is.items)
	}
	if is.list = is.Next(); is.list != '[' {
		return is.pass()
	}
	return is.Array(is.element)
}

func (is *items) element() error {
	if is.Next() != '{' {
		return is.pass()
	}
	is.asset, is.state = nil, nil
	if err := is.Object(is.itemMember); err != nil {
		return err
	}
	if i, ok := is.told.meant(is.asset); ok {
		is.items[is.told.slot(i)] = item{found: true, state: is.state}
	}
	return nil
}

// itemMember reads a member of an item. Of those of one name the last counts.
func (is *items) itemMember(name []byte) error {
	value, err := is.Value()
	switch {
	case bytes.EqualFold(name, nameAsset):
		is.asset = value
	case bytes.EqualFold(name, nameState):
		is.state = value
	}
	return err
}

// room is for the states of all items.
func (is *items) room() *texts {
	size := 0
	for i := range is.items {
		size += min(len(is.items[i].state), tracking.MaxState)
	}
	t := new(texts)
	t.all.Grow(size)
	return t
}
