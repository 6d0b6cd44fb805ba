package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// What a Flow of Directus 11.3.5 has sent.
const (
	firstUpload = `{"event":"files.upload","payload":{"title":"One","filename_download":"a.txt","type":"text/plain","storage":"local",` +
		`"filename_disk":"a1.txt","filesize":11,"uploaded_on":"2026-11-22T03:22:44.195Z"},"key":"a1","collection":"directus_files"}`
	anUpdate     = `{"event":"files.update","payload":{"title":"One b","description":"d"},"keys":["a1"],"collection":"directus_files"}`
	bulkUpdate   = `{"event":"files.update","payload":{"tags":["x"]},"keys":["a1","b2"],"collection":"directus_files"}`
	metadata     = `{"event":"files.update","payload":{"title":"x","metadata":{"Copyright":"y"}},"keys":["a1"],"collection":"directus_files"}`
	afterReplace = `{"event":"files.update","payload":{},"keys":["a1"],"collection":"directus_files"}`
	bulkDelete   = `{"event":"files.delete","payload":["a1","b2"],"keys":["a1","b2"],"collection":"directus_files"}`
)

// bridged has a bridge take hooks, and returns what it has written.
func bridged(t *testing.T, hooks ...string) (string, *bridge, *http.Response) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events")
	spool, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	b := newBridge(spool, "s3cret")
	b.now = func() time.Time { return time.Date(2026, 11, 22, 3, 22, 44, 0, time.UTC) }
	var last *http.Response
	for _, hook := range hooks {
		recorder := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hook))
		req.Header.Set(bridgeHeader, "s3cret")
		b.ServeHTTP(recorder, req)
		last = recorder.Result()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), b, last
}

func TestAHookBecomesEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hooks []string
		want  []string // type, id and changed fields of the last hook's events
	}{
		"an upload":            {[]string{firstUpload}, []string{"AssetCreated a1 []"}},
		"a replaced file":      {[]string{firstUpload, firstUpload}, []string{"AssetUploadFinished a1 []"}},
		"what follows it":      {[]string{afterReplace}, []string{"AssetMetadataUpdated a1 []"}},
		"an update":            {[]string{anUpdate}, []string{"AssetMetadataUpdated a1 [description title]"}},
		"an update of several": {[]string{bulkUpdate}, []string{"AssetMetadataUpdated a1 [tags]", "AssetMetadataUpdated b2 [tags]"}},
		"metadata":             {[]string{metadata}, []string{"AssetMetadataUpdated a1 []"}},
		"a deletion":           {[]string{firstUpload, bulkDelete}, []string{"AssetDeleted a1 []", "AssetDeleted b2 []"}},
		"an id that returns":   {[]string{firstUpload, bulkDelete, firstUpload}, []string{"AssetCreated a1 []"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, b, answer := bridged(t, c.hooks...)
			if answer.StatusCode != http.StatusNoContent {
				t.Fatalf("the Flow is answered %s", answer.Status)
			}
			lines := strings.Split(strings.TrimSpace(text), "\n")
			if len(lines) < len(c.want) {
				t.Fatalf("written:\n%s", text)
			}
			ids := make(map[string]bool)
			for _, line := range lines {
				e, err := event.Decode([]byte(line))
				if err != nil {
					t.Fatalf("dz can't read %s: %v", line, err)
				}
				ids[e.ID] = true
			}
			if len(ids) != len(lines) {
				t.Errorf("events share an id:\n%s", text)
			}
			for i, line := range lines[len(lines)-len(c.want):] {
				e, err := event.Decode([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				fields := strings.Join(e.ChangedFields, " ")
				if got := e.Type + " " + e.Object.BaseID.String() + " [" + fields + "]"; got != c.want[i] {
					t.Errorf("event %d is %s, want %s", i, got, c.want[i])
				}
			}
			if now := b.state(); now.written != uint64(len(lines)) || now.err != nil {
				t.Errorf("%d lines, counted %d, %v", len(lines), now.written, now.err)
			}
		})
	}
}

func TestABridgeCountsWhatItWasToldOf(t *testing.T) {
	t.Parallel()
	_, b, _ := bridged(t, firstUpload, anUpdate, bulkUpdate)
	want := map[sighting]int{{uploaded, "a1"}: 1, {updated, "a1"}: 2, {updated, "b2"}: 1}
	if seen := b.state().seen; !maps.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestAHookThatCantBeReadIsAFault(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{`{`, `{"event":"files.update","keys":[]}`, `{"event":"items.create","key":"a1"}`} {
		text, b, answer := bridged(t, hook)
		if err := b.state().err; err == nil || answer.StatusCode != http.StatusInternalServerError || text != "" {
			t.Errorf("%s: answered %s, written %q, error %v", hook, answer.Status, text, err)
		}
	}
}

func TestABridgeTakesNothingFromStrangers(t *testing.T) {
	t.Parallel()
	b := newBridge(nil, "s3cret")
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(firstUpload)))
	if now := b.state(); recorder.Code != http.StatusForbidden || now.written != 0 {
		t.Errorf("answered %d, %d events written", recorder.Code, now.written)
	}
}
