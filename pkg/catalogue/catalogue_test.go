package catalogue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// at is a time so many seconds after noon.
func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// snapshot and deletion are news of one asset.
func snapshot(seconds int, data string) catalogue.Asset {
	return catalogue.Asset{ID: event.IntID(16), ItemID: event.IntID(9588), Data: json.RawMessage(data), Changed: at(seconds)}
}

func deletion(seconds int) catalogue.Asset {
	return catalogue.Asset{ID: event.IntID(16), ItemID: event.IntID(9588), Deleted: true, Changed: at(seconds)}
}

func TestNewsOfAnAssetBecomesWhatIsKnown(t *testing.T) {
	t.Parallel()
	const hour = 3600
	for _, c := range []struct {
		name string
		news []catalogue.Asset
		want catalogue.Asset
		last bool // whether the last of the news told something
	}{
		{"a first snapshot", []catalogue.Asset{snapshot(1, `{"n":1}`)}, snapshot(1, `{"n":1}`), true},
		{"a later snapshot", []catalogue.Asset{snapshot(1, `{"n":1}`), snapshot(2, `{"n":2}`)}, snapshot(2, `{"n":2}`), true},
		{"an earlier snapshot that comes late", []catalogue.Asset{snapshot(2, `{"n":2}`), snapshot(1, `{"n":1}`)}, snapshot(2, `{"n":2}`), false},
		{"two snapshots of one second", []catalogue.Asset{snapshot(1, `{"n":1}`), snapshot(1, `{"n":2}`)}, snapshot(1, `{"n":2}`), true},
		{
			"a deletion keeps the data",
			[]catalogue.Asset{snapshot(1, `{"n":1}`), deletion(2)},
			catalogue.Asset{ID: event.IntID(16), ItemID: event.IntID(9588), Data: json.RawMessage(`{"n":1}`), Deleted: true, Changed: at(2)},
			true,
		},
		{"a deletion of what was never seen", []catalogue.Asset{deletion(2)}, deletion(2), true},
		{"a snapshot after the deletion", []catalogue.Asset{snapshot(1, `{"n":1}`), deletion(2), snapshot(3, `{"n":3}`)}, snapshot(3, `{"n":3}`), true},
		{
			"a snapshot from before the deletion that comes late",
			[]catalogue.Asset{deletion(2), snapshot(1, `{"n":1}`)},
			catalogue.Asset{ID: event.IntID(16), ItemID: event.IntID(9588), Data: json.RawMessage(`{"n":1}`), Deleted: true, Changed: at(2)},
			true,
		},
		{"a deletion from before the snapshot that comes late", []catalogue.Asset{snapshot(3, `{"n":3}`), deletion(2)}, snapshot(3, `{"n":3}`), false},
		{
			"a snapshot without an item id",
			[]catalogue.Asset{snapshot(1, `{"n":1}`), {ID: event.IntID(16), Data: json.RawMessage(`{"n":2}`), Changed: at(2)}},
			snapshot(2, `{"n":2}`), true,
		},
		{"a clock that was an hour ahead", []catalogue.Asset{snapshot(10+hour, `{"n":1}`), snapshot(2, `{"n":2}`)}, snapshot(2, `{"n":2}`), true},
		{"a clock that was a second ahead", []catalogue.Asset{snapshot(11, `{"n":1}`), snapshot(10, `{"n":2}`)}, snapshot(11, `{"n":1}`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var known catalogue.Asset
			var told bool
			for _, news := range c.news {
				known, told = known.Merge(news, at(10))
			}
			if known.ID != c.want.ID || known.ItemID != c.want.ItemID || string(known.Data) != string(c.want.Data) ||
				known.Deleted != c.want.Deleted || !known.Changed.Equal(c.want.Changed) {
				t.Errorf("known is %+v, data %s; want %+v, data %s", known, known.Data, c.want, c.want.Data)
			}
			if told != c.last {
				t.Errorf("the last news told something new: %v, want %v", told, c.last)
			}
		})
	}
}

func TestFromEvent(t *testing.T) {
	t.Parallel()
	const asset = `,"asset":{"title":"A"}`
	for _, c := range []struct {
		name, line string
		told       bool
		data       string
		deleted    bool
		changed    time.Time
	}{
		{"a snapshot", `"type":"AssetMetadataUpdated","time":"2026-11-21T13:00:01+01:00","data":{"itemId":5,"baseId":7` + asset + `}`, true, `{"title":"A"}`, false, at(1)},
		{"a snapshot without a time", `"type":"AssetCreated","data":{"itemId":5,"baseId":7` + asset + `}`, true, `{"title":"A"}`, false, at(10)},
		{"a time in the future", `"type":"AssetCreated","time":"2027-01-01T00:00:00Z","data":{"itemId":5,"baseId":7` + asset + `}`, true, `{"title":"A"}`, false, at(10)},
		{"a deletion", `"type":"AssetDeleted","time":"2026-11-21T12:00:02Z","data":{"itemId":5,"baseId":7}`, true, "", true, at(2)},
		{"a deletion by its reason as type", `"type":"delete","time":"2026-11-21T12:00:02Z","data":{"itemId":5,"baseId":7}`, true, "", true, at(2)},
		{"a deletion by its reason", `"type":"AssetFolderUpdated","time":"2026-11-21T12:00:02Z","data":{"itemId":5,"baseId":7,"reason":"delete"}`, true, "", true, at(2)},
		{"a deletion with the last snapshot", `"type":"AssetDeleted","time":"2026-11-21T12:00:02Z","data":{"itemId":5,"baseId":7` + asset + `}`, true, `{"title":"A"}`, true, at(2)},
		{"a change without a snapshot", `"type":"AssetMetadataUpdated","data":{"itemId":5,"baseId":7}`, false, "", false, time.Time{}},
		{"something else that is deleted", `"type":"MetafieldDeleted","data":{"itemId":5,"baseId":7}`, false, "", false, time.Time{}},
		{"something else with a snapshot", `"type":"MetafieldCreated","data":{"itemId":5,"baseId":7` + asset + `}`, false, "", false, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := event.Decode([]byte(`{"id":"1","source":"/dam",` + c.line + `}`))
			if err != nil {
				t.Fatal(err)
			}
			a, told := catalogue.FromEvent(&e, at(10))
			if told != c.told {
				t.Fatalf("told is %v", told)
			}
			if !told {
				return
			}
			if a.ID != event.IntID(7) || a.ItemID != event.IntID(5) {
				t.Errorf("ids %s and %s, want 7 and 5", a.ID, a.ItemID)
			}
			if string(a.Data) != c.data || a.Deleted != c.deleted || !a.Changed.Equal(c.changed) {
				t.Errorf("got %+v, data %s", a, a.Data)
			}
		})
	}
}

func TestTitleIsFoundWhereDAMsHaveIt(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"title":"A","name":"B"}`:                           "A",
		`{"name":"B"}`:                                       "B",
		`{"general":{"ID":5,"title":"C"}}`:                   "C",
		`{"title":"","general":{"title":"C"}}`:               "C",
		`{"title":5,"name":{"en":"B"}}`:                      "",
		`{"general":"x","title":["a"],"name":"B","other":1}`: "B",
		`{}`:  "",
		``:    "",
		`{"a`: "",
	} {
		if got := (catalogue.Asset{Data: json.RawMessage(data)}).Title(); got != want {
			t.Errorf("%s: title %q, want %q", data, got, want)
		}
	}
}

func TestAnEmptyCatalogueKnowsNothing(t *testing.T) {
	t.Parallel()
	if got, err := (catalogue.Empty{}).Assets(t.Context(), []event.ID{event.IntID(1)}); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
