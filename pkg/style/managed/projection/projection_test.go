package projection

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/event"
)

func newProjection(t testing.TB, fields, ignore []string) *Projection {
	t.Helper()
	p, err := New(fields, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	id, item := event.IntID(16), event.StringID("i")
	for _, tt := range []struct {
		data, want string
		fields     []string
		item       event.ID
	}{
		{
			data:   `{ "assetId" : 16, "Metadata":{"a":1,"B":2,"c":3} ,"x":[1, 2],"additionalMetadata":[{"name":"b"},{"name":"d"}]} `,
			fields: []string{"b", "C"},
			want:   `{ "assetId" : 16, "Metadata":{"B":2,"c":3} ,"x":[1, 2],"additionalMetadata":[{"name":"b"}]}`,
		},
		{data: `{"assetId":16,"metadata":{"a":1}}`, want: `{"assetId":16,"metadata":{}}`},
		{data: `{"nested":{"metadata":{"a":1}}}`, want: `{"nested":{"metadata":{"a":1}}}`},
		{data: `{"\u006detadata":{"a":1}}`, want: `{"\u006detadata":{}}`},
		{data: `{}`, want: `{}`},
		{data: ``, item: item, want: `{"assetId":16,"itemId":"i"}`},
		{data: ``, want: `{"assetId":16}`},
	} {
		got, err := newProjection(t, tt.fields, nil).Asset(json.RawMessage(tt.data), id, tt.item)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.data, got, err, tt.want)
		}
	}
	for _, data := range []string{`[]`, `null`, `1`, `{"a":1`, ` `, `{} {}`, `{"metadata":{"a":1},"b":`, `{"metadata":{"a":1`} {
		p := newProjection(t, nil, nil)
		sent, err := p.Asset(json.RawMessage(data), id, item)
		if err == nil {
			_, err = p.Hash(sent)
		}
		if err == nil {
			t.Errorf("%s: %s, want an error", data, sent)
		}
	}
}

// Who asked for no field is sent the same of an asset's outline as of all of it, in
// any language.
func TestAnOutlineIsAsGoodAsTheWholeWithoutFields(t *testing.T) {
	t.Parallel()
	p := newProjection(t, nil, DefaultIgnore())
	for _, data := range []string{
		asset,
		`{"a":1}`,
		`{ "assetId" : 16, "Metadata":{"a":1,"B":2,"c":3} ,"x":[1, 2],"additionalMetadata":[{"name":"b"},{"name":"d"}]}`,
		`{"title":{"en":"Sea","da":"Hav"},"metadata":{"title":{"en":"Sea","da":"Hav"}},"metadata":[1],"b":{}}`,
		`{"metadata":{"groups":[{"groupId":7}],"fields":[{"guid":"6afe","groupId":7,"labels":{"3":{"labelId":1}}}],"values":[{"labelId":1}]},"b":"}"}`,
		`{"metadata":null,"additionalMetadata":{},"b":1}`,
	} {
		outline, inside, at := catalogue.Split(json.RawMessage(data))
		if joined := string(outline[:at]) + string(inside) + string(outline[at:]); joined != data {
			t.Errorf("%s was split into %s and %s at %d", data, outline, inside, at)
		}
		for _, language := range []string{"", "en", "3"} {
			var hashes [2][digestSize]byte
			for i, text := range []json.RawMessage{json.RawMessage(data), outline} {
				shown, err := metadata.InLanguage(text, language)
				if err != nil {
					t.Fatal(err)
				}
				sent, err := p.Asset(shown, event.IntID(16), event.ID{})
				if err != nil {
					t.Fatal(err)
				}
				if hashes[i], err = p.Hash(sent); err != nil {
					t.Fatal(err)
				}
			}
			if hashes[0] != hashes[1] {
				t.Errorf("%s, language %q: its outline %s is sent as another", data, language, outline)
			}
		}
	}
}

// The left of a pair differs from the right in what it says.
func TestWhatDecides(t *testing.T) {
	t.Parallel()
	p := newProjection(t, []string{"playUrl", "6afe78b7-3f24-49f3-bf95-24890ea62696"}, DefaultIgnore())
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":{"c":2,"d":3}}`, "{ \"b\":{\"d\":3,\n\"c\":2}, \"a\":1}", true},
		{`{"a":"\u0041\/"}`, `{"a":"A/"}`, true},
		{`{"a":1}`, `{"a":1.0}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":1}`, `{"a":1,"b":null}`, false},
		{`{"a":1}`, `{"A":1}`, false},
		{`{"a":1,"thumbnailUrl":"x?sig=1"}`, `{"a":1,"thumbnailUrl":"x?sig=2"}`, true},
		{`{"a":1,"THUMBNAILURL":"x?sig=1"}`, `{"a":1}`, true},
		{`{"a":1,"lockInfo":{"isLocked":true},"lastModified":"2026-11-22"}`, `{"a":1}`, true},
		{`{"transcodes":[{"id":1,"url":"a"}]}`, `{"transcodes":[{"id":1,"url":"b"}]}`, true},
		{`{"transcodes":[{"id":1,"url":"a"}]}`, `{"transcodes":[{"id":2,"url":"a"}]}`, false},
		{`{"metadata":{"playUrl":"a"}}`, `{"metadata":{"playUrl":"b"}}`, false}, // asked for by its name
		{`{"metadata":{"playUrl":{"url":"a"}}}`, `{"metadata":{"playUrl":{"url":"b"}}}`, true},
		{`{"other":{"playUrl":"a"}}`, `{"other":{"playUrl":"b"}}`, true},
		{`{"a":1,"metadata":null}`, `{"a":1,"metadata":{}}`, true}, // a field that nobody asked for is the first
		{`{"a":1,"additionalMetadata":[]}`, `{"a":1}`, true},
		{`{"a":1,"metadata":{"playUrl":null}}`, `{"a":1,"metadata":{}}`, false},
	} {
		a, errA := p.Hash(json.RawMessage(tt.a))
		b, errB := p.Hash(json.RawMessage(tt.b))
		if err := errors.Join(errA, errB); err != nil || (a == b) != tt.same {
			t.Errorf("%s and %s: the same %v, %v; want %v", tt.a, tt.b, a == b, err, tt.same)
		}
	}
	if _, err := p.Hash(json.RawMessage(`{"a"`)); err == nil {
		t.Error("what is no JSON has a hash")
	}
}

// Digests are kept, and compared with those of later versions.
func TestDigestsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields []string
		data   string
		want   string
	}{
		{nil, asset, "a752129c16a67b83915cfc1895daaba1"},
		{[]string{"acno", "medium", "subjects"}, asset, "6bbeb63068196696413d9d7d308a2078"},
		{nil, ` { "z" : "\u00e9\/\t\\" , "\u0061\"" : [ 1.50 , { "url" : 1 , "b" : {} } , "" ] , "a" : null , "a" : 2 , "K\u212a" : 1 } `, "9bddd59d8988386ccd09f457339c9a6a"},
	} {
		p := newProjection(t, tt.fields, DefaultIgnore())
		sent, err := p.Asset(json.RawMessage(tt.data), event.IntID(1), event.ID{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Hash(sent); err != nil || hex.EncodeToString(got[:]) != tt.want {
			t.Errorf("%.40s: %x, %v; want %s", tt.data, got, err, tt.want)
		}
	}
}

func TestWhichFieldsMatter(t *testing.T) {
	t.Parallel()
	p := newProjection(t, []string{"Keywords", "6afe78b7-3f24-49f3-bf95-24890ea62696"}, DefaultIgnore())
	sent := json.RawMessage(`{"assetId":1,"Channels":[],"metadata":{"keywords":1}}`)
	for field, want := range map[string]struct{ standard, asked bool }{
		"title":                                {standard: true}, // also where it is absent
		"FileSize":                             {standard: true},
		"channels":                             {standard: true}, // the asset has it
		"description":                          {standard: true},
		"5EB3EEFC-A043-410F-89B0-29ED3EF37078": {standard: true}, // Digizuite's title
		"metadata":                             {},
		"keywords":                             {asked: true},
		"6AFE78B7-3F24-49F3-BF95-24890EA62696": {asked: true},
		"photographer":                         {},
		"thumbnailUrl":                         {}, // changes by itself
		"lastModified":                         {},
		"":                                     {},
	} {
		if standard, asked := p.Standard(sent, field), p.Asked(field); standard != want.standard || asked != want.asked {
			t.Errorf("%q: standard %v, asked for %v; want %+v", field, standard, asked, want)
		}
	}
	if !p.Standard(nil, "title") || p.Standard(nil, "channels") {
		t.Error("of an asset without data, the title is standard and nothing else is known")
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, names := range map[string]struct{ yes, no string }{
		"url":     {"url URL", "urls curl"},
		"*Url":    {"url thumbnailUrl THUMBNAILURL", "urls a/url urlx"},
		"last*":   {"last lastSeen LAST", "las alast last/seen"},
		"*":       {"a x-y", "a/b"},
		"a?c":     {"abc aXc", "ac abbc"},
		"v[0-9]*": {"v1 V12x", "v vx"},
		`a\*`:     {"a*", "ab"},
		"*mid*":   {"mid amidst", "md"},
		"key":     {"KEY \u212aey", "ley kez"}, // the sign of Kelvin is a k in lower case
		"*ik":     {"xik xi\u212a", "xiq"},
		"Öl*":     {"ölx ÖL", "ol"},
	} {
		g, err := newIgnored([]string{pattern})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(names.yes) {
			if !g.match([]byte(name)) {
				t.Errorf("%s does not match %s", pattern, name)
			}
		}
		for _, name := range strings.Fields(names.no) {
			if g.match([]byte(name)) {
				t.Errorf("%s matches %s", pattern, name)
			}
		}
	}
	if _, err := New(nil, []string{"a", "[b"}); !errors.Is(err, path.ErrBadPattern) || !strings.Contains(err.Error(), `"[b"`) {
		t.Errorf("a pattern that is none: %v", err)
	}
	if empty := newProjection(t, nil, nil); empty.ignore.match([]byte("url")) || empty.ignore.match(nil) {
		t.Error("no pattern matches")
	}
}

// What is sent is valid JSON, and projecting it again changes nothing; the hash
// is that of the object with its members in any order.
func FuzzProjection(f *testing.F) {
	for _, seed := range []string{
		`{"assetId":1,"title":"Sea","metadata":{"a":1,"b":{"guid":"6afe78b7-3f24-49f3-bf95-24890ea62696"},"c":3},"thumbnailUrl":"x"}`,
		`{"additionalMetadata":[{"name":"A","value":1},{"guid":"g"},2,null],"metadata":"x"}`,
		`{"metadata":{"groups":[{"groupId":1},{"groupId":2}],"fields":[{"guid":"x","name":"a","groupId":1,"labels":{"3":{"labelId":7}}}],"values":[{"labelId":7,"value":1},{"labelId":8}]}}`,
		`{"METADATA":{"a":1},"metadata":[],"\u006detadata":{"\u0061":1,"z":"\""}}`, `{"a":{"z":1,"y":{"c":1,"b":2}},"metadata":{"fields":[1],"values":[]}}`,
	} {
		f.Add(seed)
	}
	p := newProjection(f, []string{"a", "7", "6afe78b7-3f24-49f3-bf95-24890ea62696"}, DefaultIgnore())
	f.Fuzz(func(t *testing.T, text string) {
		sent, err := p.Asset(json.RawMessage(text), event.IntID(1), event.ID{})
		if err != nil {
			if text = strings.TrimLeft(text, " \t\r\n"); strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if !json.Valid(sent) {
			t.Fatalf("%q: %q is not valid", text, sent)
		}
		again, err := p.Asset(sent, event.IntID(1), event.ID{})
		if err != nil || !bytes.Equal(again, sent) {
			t.Fatalf("%q: %q, then %q, %v", text, sent, again, err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(sent, &members); err != nil {
			return // a name that is no UTF-8
		}
		for name, value := range members {
			if v := bytes.TrimSpace(value); metadata.IsContainer([]byte(name)) && v[0] != '{' && v[0] != '[' && string(v) != "null" {
				t.Fatalf("%q: %q has %s", text, sent, value)
			}
		}
		// An encoder sorts, keeps the last of the members of one name, and mends what
		// is no UTF-8.
		var value any
		decoder := json.NewDecoder(bytes.NewReader(sent))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return
		}
		sorted, err := json.MarshalIndent(value, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(sent, []byte("\\u")) || hasTwins(sent) || strings.ToValidUTF8(string(sent), "") != string(sent) {
			return
		}
		one, err1 := p.Hash(sent)
		other, err2 := p.Hash(sorted)
		if err := errors.Join(err1, err2); err != nil || one != other {
			t.Fatalf("%q: the hash of %q is %x, that of %q is %x, %v", text, sent, one, sorted, other, err)
		}
	})
}

// hasTwins reports whether an object in text has two members of one name.
func hasTwins(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return twins(decoder)
}

func twins(decoder *json.Decoder) bool {
	token, err := decoder.Token()
	delim, ok := token.(json.Delim)
	if err != nil || !ok {
		return false
	}
	names := make(map[any]bool)
	for decoder.More() {
		if delim == '{' {
			name, err := decoder.Token()
			if err != nil || names[name] {
				return true
			}
			names[name] = true
		}
		if twins(decoder) {
			return true
		}
	}
	_, err = decoder.Token() // the end
	return err != nil
}

// asset is like those of museums: 1.8 KB, most of it metadata in a tree.
const asset = `{"assetId":29527,"itemId":7005000,"title":"Mountains, with a Single-Arched Bridge over a River in the Foreground",` +
	`"description":"Graphite on paper","assetType":4,"thumbnailUrl":"https://dam.example.com/images/D02/D02124_8.jpg","metadata":{"acno":"D02124",` +
	`"acquisitionYear":1856,"additionalImages":[{"copyright":null,"sizes":[{"caption":"Enhanced image","cleared":true,"file":"D02124_E.jpg","height":360,` +
	`"resolution":512,"size":"large","width":512}]}],"all_artists":"Joseph Mallord William Turner","catalogueGroup":{"completeStatus":"COMPLETE",` +
	`"groupType":"Sketchbook","id":65699,"shortTitle":"Dolbadarn Sketchbook"},"classification":"on paper, unique","contributorCount":1,"contributors":[{"birthYear":1775,` +
	`"date":"1775–1851","displayOrder":1,"fc":"Joseph Mallord William Turner","gender":"Male","id":558,"role":"artist"}],"creditLine":"Accepted by the nation 1856",` +
	`"dateRange":{"endYear":1800,"startYear":1799,"text":"1799-1800"},"depth":"","dimensions":"support: 131 x 78 mm","foreignTitle":null,"height":"78",` +
	`"inscription":null,"medium":"Graphite on paper","movementCount":0,"subjectCount":12,"subjects":{"children":[{"children":[{"children":[{"id":4756,` +
	`"name":"Caernarfonshire and Merionethshire"}],"id":114,"name":"UK counties"},{"children":[{"id":12111,"name":"Carnedd Dafydd"},{"id":9867,"name":"Glyder Fawr"},` +
	`{"id":12110,"name":"Mynydd Perfedd"}],"id":112,"name":"UK natural features"}],"id":106,"name":"places"},{"children":[{"children":[{"id":945,"name":"bridge"}],` +
	`"id":15,"name":"bridges and viaducts"}],"id":13,"name":"architecture"}],"id":1,"name":"subject"},"units":"mm","width":"131"}}`

// One turn is what it takes to find an asset unchanged: to project and to hash it.
func BenchmarkProjectAndHash(b *testing.B) {
	for name, fields := range map[string][]string{
		"none": nil, "two": {"acno", "medium"}, "tree": {"acno", "medium", "subjects", "contributors"}, "guid": {"6afe78b7-3f24-49f3-bf95-24890ea62696"},
	} {
		b.Run(name, func(b *testing.B) {
			p := newProjection(b, fields, DefaultIgnore())
			data := json.RawMessage(asset)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				sent, err := p.Asset(data, event.IntID(29527), event.IntID(7005000))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Hash(sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOutline projects and hashes the outline of an asset, which is all that most
// endpoints are sent.
func BenchmarkOutline(b *testing.B) {
	outline, _, _ := catalogue.Split(json.RawMessage(asset))
	p := newProjection(b, nil, DefaultIgnore())
	b.Run("project", func(b *testing.B) {
		b.SetBytes(int64(len(outline)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Asset(outline, event.ID{}, event.ID{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hash", func(b *testing.B) {
		b.SetBytes(int64(len(outline)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Hash(outline); err != nil {
				b.Fatal(err)
			}
		}
	})
}
