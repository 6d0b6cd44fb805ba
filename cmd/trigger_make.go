package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Made-up things, such as a DAM has.
const (
	sampleSource  = "/dz/trigger"
	sampleTitle   = "Harbour at dawn"
	sampleUser    = "119574"
	sampleSession = "214653913620510632"
	sampleDomain  = 484
	sampleFormat  = 50036
	sampleChannel = 42
)

// kindOf returns the kind of what events of a type are about.
func kindOf(typeName string) event.Kind {
	_, change, _ := event.ParseType(typeName) // of an unknown one an asset; it was checked before
	switch change {
	case event.MetafieldChanged:
		return event.Metafield
	case event.TreeValueChanged:
		return event.TreeValue
	case event.ComboValueChanged:
		return event.ComboValue
	default:
		return event.Asset
	}
}

// sampleBase is the id of a made-up object.
func sampleBase(kind event.Kind) event.ID {
	if kind == event.Asset {
		return event.IntID(1234)
	}
	return event.IntID(302)
}

// sampleItem is the item's id of an object that is known by its base id alone.
func sampleItem(base event.ID) event.ID {
	n, err := strconv.ParseInt(base.String(), 10, 32)
	if base.IsString() || err != nil {
		return base
	}
	return event.IntID(5_000_000 + n)
}

// sampleEvent makes an event as a DAM sends it, to be changed further. snapshot is
// the asset as it is known; nil for a made-up one.
func sampleEvent(typeName, id string, object event.Object, snapshot json.RawMessage, now time.Time) (map[string]any, error) {
	data := map[string]any{
		"itemId": object.ItemID, "baseId": object.BaseID, "user": sampleUser, "session": sampleSession,
	}
	switch {
	case object.Kind == event.Asset:
		if err := sampleAssetData(data, typeName, object, snapshot, now); err != nil {
			return nil, err
		}
	case strings.HasSuffix(typeName, "MetadataUpdated"):
		data["changedFields"] = []string{"label"}
	}
	return map[string]any{
		"specversion": "1.0", "id": id, "source": sampleSource, "type": typeName,
		"time": now.UTC().Format(time.RFC3339Nano), "subject": object.String(), "data": data,
	}, nil
}

// sampleAssetData adds what an event of an asset has.
func sampleAssetData(data map[string]any, typeName string, object event.Object, snapshot json.RawMessage, now time.Time) error {
	reason, deleted := reasonOf(typeName)
	data["reason"], data["domain"], data["streamtype"], data["refnr"] = reason, sampleDomain, "video", ""
	switch typeName {
	case "AssetMetadataUpdated", "metadata":
		data["changedFields"] = []string{"title"}
	case "AssetProfilePublished", "AssetUploadFinished", "AssetExternalProccessingFinished", "AssetExternalProcessingFinished", "encoded":
		data["formats"] = []int{sampleFormat}
	}
	if typeName == "AssetProfilePublished" || slices.Contains([]string{"approved", "expired", "deactivate"}, typeName) {
		data["channels"] = []int{sampleChannel}
	}
	if deleted {
		return nil // there is nothing left to be shown
	}
	asset := sampleAsset(object, now)
	if snapshot != nil {
		asset = nil
		if err := decodeNumbers(snapshot, &asset); err != nil {
			return fmt.Errorf("read asset %s: %w", object.BaseID, err)
		}
	}
	if _, has := asset["exports"]; !has && strings.HasPrefix(reason, "export") {
		asset["exports"] = []any{map[string]any{
			"ID": 7, "platform": "youtube", "account": "museum", "exported": now.Unix(), "active": boolInt(reason != "exportdeleted"),
		}}
	}
	data["asset"] = asset
	return nil
}

// reasonOf returns the reason that an event of a type has by default.
func reasonOf(typeName string) (reason string, deleted bool) {
	// Which reason a type has by itself is for the event to say.
	e, err := event.Decode(fmt.Appendf(nil, `{"id":"1","source":"/","type":%q,"data":{"itemId":1}}`, typeName))
	if err != nil {
		return "", false // it was checked before
	}
	return e.Reason, e.IsDelete()
}

// sampleAsset is a made-up asset, with what the DAMs whose events dz reads say of
// one.
func sampleAsset(object event.Object, now time.Time) map[string]any {
	created := now.Add(-30 * 24 * time.Hour).Unix()
	return map[string]any{
		"assetId": object.BaseID, "itemId": object.ItemID, "title": sampleTitle,
		"metadata": map[string]any{"keywords": "harbour, dawn, fjord", "description": "The old harbour before the fishermen leave."},
		"general": map[string]any{
			"ID": object.ItemID, "GID": object.BaseID, "hash": "8T2K1D7VP4QX", "title": sampleTitle, "subtitle": "", "refnr": "",
			"created": created, "uploaded": created + 60, "runtime": "00:01:12",
		},
		"imagedata":      map[string]any{"thumb": "https://assets.example/thumb/1234.webp"},
		"publishingdata": map[string]any{"origin": "dam", "isPublished": 1},
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decodeNumbers decodes one JSON value, numbers as they are written.
func decodeNumbers(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
