package upkeep

import (
	"context"
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/store/bolt"
)

// maxKey is how much of a key is shown, in bytes.
const maxKey = 64

// Check reads all of the store at path: every page and every record, and whether
// the key in keyFile opens its secrets; "" tries none. That it is damaged is what
// it finds, and no error.
func Check(ctx context.Context, path, keyFile string) (api.StoreCheck, error) {
	found, err := bolt.Examine(ctx, path)
	if err != nil {
		return api.StoreCheck{}, explain(err, "stop it first, or check a backup: 'dz store backup FILE' and 'dz store check FILE'")
	}
	check := api.StoreCheck{
		Path: path, Sound: found.Total == 0, Format: found.Format, Size: found.Size, Pages: found.Pages,
		TotalFaults: found.Total, Faults: make([]api.StoreFault, len(found.Faults)), StoreContents: contents(found.Contents),
	}
	for _, b := range found.Buckets {
		check.Entries += b.Entries
	}
	for i, f := range found.Faults {
		check.Faults[i] = api.StoreFault{
			Page: f.Page, Bucket: f.Bucket, Holds: holds(f.Bucket), Key: showKey(f.Key), Problem: f.Problem,
		}
	}
	if !check.Sound {
		return check, nil
	}
	secrets, err := Secrets(path, keyFile)
	check.Secrets = &secrets
	return check, err
}

// showKey writes a key for people: an endpoint's number before text, text, also
// that of a row of debts, or hexadecimal digits.
func showKey(key []byte) string {
	const number = 4 // bytes of an endpoint's id, or of what a row has after its text
	shown := key[:min(len(key), maxKey)]
	switch {
	case len(key) == 0:
		return ""
	case isText(shown):
		return string(shown)
	case len(key) > number && key[0] == 0 && isText(shown[number:]):
		id := uint64(key[1])<<16 | uint64(key[2])<<8 | uint64(key[3])
		return strconv.FormatUint(id, 10) + "/" + string(shown[number:])
	case len(key) > number && len(key) <= maxKey && key[len(key)-number] == 0 && isText(key[:len(key)-number]):
		return string(key[:len(key)-number])
	default:
		return "0x" + hex.EncodeToString(shown)
	}
}

func isText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
