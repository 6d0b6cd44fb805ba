package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

func TestAnAssetIsMapped(t *testing.T) {
	t.Parallel()
	const byLocale = `{"id":1,"fields":{"title":{"en-US":"Sky","de-DE":"Himmel"},"alt":{"de-DE":"blau"},"size":{"bytes":12345678901234567890,"ratio":1.10}}}`
	for name, c := range map[string]struct {
		asset, answer, data string
		wrong               string // in the error, instead
	}{
		"as it is":             {`{id: .id}`, `{"title":"<b>","id":1}`, `{"id":1,"title":"<b>"}`, ""},
		"large numbers":        {`{id: .id}`, `{"id":1,"bytes":12345678901234567890,"ratio":1.10}`, `{"bytes":12345678901234567890,"id":1,"ratio":1.10}`, ""},
		"a part":               {`{id: .id, data: '{name: .title}'}`, `{"id":1,"title":"A","x":1}`, `{"name":"A"}`, ""},
		"a locale":             {`{id: .id, data: '.fields | map_values(locale($language))'}`, byLocale, `{"alt":null,"size":null,"title":"Sky"}`, ""},
		"a locale, or another": {`{id: .id, data: '.fields | {title, alt} | map_values(locale($language; "de-DE"))'}`, byLocale, `{"alt":"blau","title":"Sky"}`, ""},
		"a text as data":       {`{id: .id, data: .title}`, `{"id":1,"title":"A"}`, "", "asset.data yields no object"},
		"a program that fails": {`{id: .id, data: '.title | keys'}`, `{"id":1,"title":"A"}`, "", "asset.data: "},
		"a time that is none":  {`{id: .id, changed: .at}`, `{"id":1,"at":"soon"}`, "", `asset.changed: "soon" is no time`},
		"deleted, or not":      {`{id: .id, deleted: .bin}`, `{"id":1,"bin":"yes"}`, "", "asset.deleted yields neither true nor false"},
		"an item's id":         {`{id: .id, item: .item}`, `{"id":1,"item":[5]}`, "", "asset.item: "},
		"a runaway program":    {`{id: .id, data: 'last(repeat(1))'}`, `{"id":1}`, "", "asset.data: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			declaration := "get: {path: '/assets/{id}', query: '{l: $language}'}\nasset: " + c.asset
			got, err := one(t, open(t, parsed(t, declaration), say(http.StatusOK, c.answer), func(c *rest.Config) { c.Language = "en-US" }), ids(1)[0])
			if err != nil {
				t.Fatal(err)
			}
			if c.wrong != "" {
				if e := wantKind(t, got.Err, catalogue.ErrUnreadable); !strings.HasPrefix(e.Text, c.wrong) || e.Asset != ids(1)[0] {
					t.Errorf("error is %v", e)
				}
				return
			}
			if got.Err != nil || string(got.Asset.Data) != c.data {
				t.Errorf("data is %s, %v; want %s", got.Asset.Data, got.Err, c.data)
			}
		})
	}
}

func TestTimesOfChange(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 20, 8, 0, 0, 500e6, time.UTC)
	for _, written := range []string{
		`"2026-11-20T08:00:00.5Z"`, `"2026-11-20T09:00:00.5000000+01:00"`, `"2026-11-20T08:00:00.5"`, fmt.Sprint(want.Unix(), ".5"),
	} {
		c := open(t, parsed(t, "get: {path: '/assets/{id}'}\nasset: {id: .id, changed: .at}"), say(http.StatusOK, `{"id":1,"at":`+written+`}`))
		if got, err := one(t, c, ids(1)[0]); err != nil || got.Err != nil || !got.Asset.Changed.Equal(want) {
			t.Errorf("%s: %+v, %v", written, got, err)
		}
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	c := open(t, parsed(t, plain), fine, func(c *rest.Config) { c.Now = func() time.Time { return now } })
	if got, err := one(t, c, ids(1)[0]); err != nil || !got.Asset.Changed.Equal(now) {
		t.Errorf("of an unknown time: %+v, %v", got, err)
	}
}
