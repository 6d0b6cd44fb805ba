package rest_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

// nexx is nexxOMNIA's API of a domain with so many videos.
func nexx(videos int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v3.1/484/videos/"), "/")
		sum := md5.Sum([]byte(parts[0] + "484" + "domain-secret"))
		if r.Header.Get("X-Request-Cid") != "session-1" || r.Header.Get("X-Request-Token") != hex.EncodeToString(sum[:]) {
			say(http.StatusForbidden, `{"metadata":{"status":403,"errorhint":"wrong `+r.Header.Get("X-Request-Token")+`"}}`)(w, r)
			return
		}
		video := func(id int) any {
			return map[string]any{"general": map[string]any{"ID": id, "GID": 7000 + id, "title": fmt.Sprint("Video ", id)}, "imagedata": map[string]any{}}
		}
		answer := map[string]any{"metadata": map[string]any{"status": 200, "processingtime": fmt.Sprint(r.URL)}}
		switch parts[0] {
		case "byid":
			id, err := strconv.Atoi(parts[1])
			if err != nil || id < 1 || id > videos {
				say(http.StatusNotFound, `{"metadata":{"status":404},"result":[]}`)(w, r)
				return
			}
			answer["result"] = video(id)
		case "all":
			start, _ := strconv.Atoi(r.URL.Query().Get("start"))
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			if start >= videos || limit > 100 {
				say(http.StatusNotFound, `{"metadata":{"status":404},"result":[]}`)(w, r)
				return
			}
			result := []any{}
			for id := start + 1; id <= min(start+limit, videos); id++ {
				result = append(result, video(id))
			}
			answer["result"] = result
		}
		write(w, answer)
	}
}

func onNexx(c *rest.Config) {
	c.Username, c.Token, c.Variables = "session-1", "domain-secret", map[string]string{"domain": "484"}
}

func TestNexxIsReadWithItsSignatures(t *testing.T) {
	t.Parallel()
	c := open(t, preset(t, "nexx"), nexx(250), onNexx)
	got, err := c.Look(t.Context(), catalogue.View{}, ids(9, 251, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Asset.Title() != "Video 9" || !got[1].Asset.Deleted || got[2].Asset.Title() != "Video 1" {
		t.Errorf("got %+v", got)
	}
	if found := listed(t, c, catalogue.View{}, ""); len(found) != 250 || found[249] != "250" {
		t.Errorf("a list of %d", len(found))
	}
	if found := listed(t, c, catalogue.View{}, "200"); len(found) != 50 {
		t.Errorf("from 200 a list of %d", len(found))
	}
}

func TestASignatureIsNotShownEither(t *testing.T) {
	t.Parallel()
	c := open(t, preset(t, "nexx"), nexx(1), onNexx, func(c *rest.Config) { c.Token = "another-secret" })
	_, err := one(t, c, ids(1)[0])
	wantKind(t, err, catalogue.ErrRefused)
	sum := md5.Sum([]byte("byid" + "484" + "another-secret"))
	if signature := hex.EncodeToString(sum[:]); strings.Contains(err.Error(), signature) || !strings.Contains(err.Error(), "wrong ***") {
		t.Errorf("the error is %v", err)
	}
}

func TestNexxNeedsItsDomain(t *testing.T) {
	t.Parallel()
	_, err := rest.New(rest.Config{
		URL: "https://api.nexx.cloud", API: preset(t, "nexx"), Username: "s", Token: "t", Transport: direct{}, Now: notCalled,
	})
	if err == nil || err.Error() != "variable domain has no value" {
		t.Errorf("error is %v", err)
	}
}

func TestEveryPresetCanBeCompiled(t *testing.T) {
	t.Parallel()
	names := rest.Presets()
	if !slices.Equal(names, []string{"digizuite", "directus", "nexx"}) {
		t.Errorf("the presets are %v", names)
	}
	for _, name := range names {
		if _, err := rest.New(rest.Config{
			URL: "https://dam.test", API: preset(t, name), Username: "u", Password: "p", Token: "t",
			Variables: map[string]map[string]string{"nexx": {"domain": "1"}}[name], Transport: direct{}, Now: notCalled,
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rest.Preset("digisuite"); err == nil || err.Error() != `unknown preset "digisuite" (presets: digizuite, directus, nexx)` {
		t.Errorf("error is %v", err)
	}
}
