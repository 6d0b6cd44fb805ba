package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/timespan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// assets is a catalogue, by base id.
type assets map[string]catalogue.Asset

func (a assets) Assets(_ context.Context, ids []event.ID) ([]catalogue.Asset, error) {
	var found []catalogue.Asset
	for _, id := range ids {
		if asset, ok := a[id.JSON()]; ok {
			found = append(found, asset)
		}
	}
	return found, nil
}

// broken is a catalogue that can't be read.
type broken struct{}

func (broken) Assets(context.Context, []event.ID) ([]catalogue.Asset, error) {
	return nil, errors.New("the disk is gone")
}

// The times of a change and of the attempt to tell it.
var (
	created = time.Unix(1_669_990_000, 999_999_999)
	sent    = time.Unix(1_669_990_012, 999_999_999)
)

func decode(t *testing.T, line string) event.Event {
	t.Helper()
	e, err := event.Decode([]byte(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return e
}

// owed returns the debt that an event makes, as the store gives it back.
func owed(t *testing.T, e event.Event) debt.Debt {
	t.Helper()
	key, note, ok := Style{}.Key(&e)
	if !ok {
		t.Fatalf("%s makes no debt", e.Raw)
	}
	change := debt.Change{Endpoint: 1, Key: key, Event: &e, Note: note}
	return debt.New(debt.NewID(created, 1, 2), change, created.Add(time.Second))
}

// endpointWith returns an endpoint of the style with options in JSON.
func endpointWith(t testing.TB, options string) *endpoint.Endpoint {
	t.Helper()
	ep := &endpoint.Endpoint{
		Name: "site", Style: Name, URL: "https://site.example/ping",
		Subscription: endpoint.Subscription{ChangeTypes: event.AssetChanged},
	}
	if options != "" {
		if err := json.Unmarshal([]byte(options), &ep.Options); err != nil {
			t.Fatal(err)
		}
	}
	return ep
}

// pingOf returns the body that tells of an event.
func pingOf(t *testing.T, known catalogue.Reader, options, line string) string {
	t.Helper()
	d := owed(t, decode(t, line))
	got, err := New(known).Compose(t.Context(), endpointWith(t, options), []debt.Debt{d}, sent)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Request.ID, d.MessageID()+"_") || got.Request.ContentType != "application/json" || got.Request.Header != nil {
		t.Errorf("request %+v", got)
	}
	return string(got.Request.Body)
}

// video is an asset as the API of nexxOMNIA returns it, written with white space
// between its tokens.
const video = `{
  "general": {"ID": 967567, "GID": 1234567, "hash": "QWERTZ", "title": "Q&A: <Müller> \u2028 10 > 9", "refnr": "", "uploaded": 1669980000},
  "imagedata": {"thumb": "https://img.example/967567.jpg?w=1&h=2"},
  "exports": [{"account": "youtube", "exported": 1}],
  "publishingdata": {"origin": "omnia", "exports": "kept, for it is not the asset's own"}
}`

// The bodies are the gateway's, byte for byte, one for each reason.
func TestPings(t *testing.T) {
	t.Parallel()
	known := assets{"1234567": {ID: event.IntID(1234567), Data: json.RawMessage(video)}}
	for _, reason := range event.Reasons() {
		line := `{"id":"9b1c","source":"/dam","type":"` + reason + `","time":"2022-12-02T14:06:40.75Z","data":{"itemId":967567,` +
			`"baseId":1234567,"user":119574,"session":"214653913620510632","domain":484,"streamtype":"video","refnr":""}}`
		known := known
		if reason == "delete" { // the catalogue keeps what it knew last
			deleted := known["1234567"]
			deleted.Deleted = true
			known = assets{"1234567": deleted}
		}
		got := pingOf(t, known, `{"gatewaySecret":"s3cr3t"}`, line)
		name := filepath.Join("testdata", reason+".golden")
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	golden, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
	if err != nil || len(golden) != 22 {
		t.Errorf("%d golden files, %v; want one for each of the 22 reasons", len(golden), err)
	}
}

// Of what kind a member is does not depend on how the DAM writes it.
func TestMembersAreOfTheGatewaysTypes(t *testing.T) {
	t.Parallel()
	const nobody = `"user":0,"session":0`
	for _, c := range []struct {
		name, data    string
		trigger, rest string
	}{
		{
			"only what an event must have", `"itemId":5`, nobody,
			`"item":{"ID":"5","GID":5,"refnr":"","domain":0,"streamtype":""},"data":{"general":{"ID":5,"GID":5,"refnr":""}}`,
		},
		{
			"numbers", `"itemId":5,"baseId":6,"user":7,"session":8,"domain":9`, `"user":"7","session":"8"`,
			`"item":{"ID":"5","GID":6,"refnr":"","domain":9,"streamtype":""},"data":{"general":{"ID":5,"GID":6,"refnr":""}}`,
		},
		{
			"strings of numbers", `"itemId":"5","baseId":"6","user":"7","session":"8","domain":"9"`, `"user":"7","session":"8"`,
			`"item":{"ID":"5","GID":6,"refnr":"","domain":9,"streamtype":""},"data":{"general":{"ID":5,"GID":6,"refnr":""}}`,
		},
		{
			"strings", `"itemId":"a","baseId":"b","user":"c","session":"d","domain":"e","streamtype":"f","refnr":"g"`, `"user":"c","session":"d"`,
			`"item":{"ID":"a","GID":0,"refnr":"g","domain":0,"streamtype":"f"},"data":{"general":{"ID":"a","GID":"b","refnr":"g"}}`,
		},
		{
			"nobody as a number", `"itemId":5,"user":0,"session":-0`, nobody,
			`"item":{"ID":"5","GID":5,"refnr":"","domain":0,"streamtype":""},"data":{"general":{"ID":5,"GID":5,"refnr":""}}`,
		},
		{
			"nobody as a string", `"itemId":5,"user":"0","session":null`, nobody,
			`"item":{"ID":"5","GID":5,"refnr":"","domain":0,"streamtype":""},"data":{"general":{"ID":5,"GID":5,"refnr":""}}`,
		},
		{
			"digits that are no JSON number", `"itemId":"007","baseId":"1e3","domain":"4.5"`, nobody,
			`"item":{"ID":"007","GID":0,"refnr":"","domain":0,"streamtype":""},"data":{"general":{"ID":"007","GID":"1e3","refnr":""}}`,
		},
		{
			"numbers of any size and sign", `"itemId":123456789012345678901234567890,"baseId":-1,"domain":18446744073709551616`, nobody,
			`"item":{"ID":"123456789012345678901234567890","GID":-1,"refnr":"","domain":18446744073709551616,"streamtype":""},` +
				`"data":{"general":{"ID":123456789012345678901234567890,"GID":-1,"refnr":""}}`,
		},
		{
			"texts are not rewritten", `"itemId":"<a>&\"b\"","baseId":"Å/日本","user":"\"7\"","refnr":"<r>&"`, `"user":"\"7\"","session":0`,
			`"item":{"ID":"<a>&\"b\"","GID":0,"refnr":"<r>&","domain":0,"streamtype":""},` +
				`"data":{"general":{"ID":"<a>&\"b\"","GID":"Å/日本","refnr":"<r>&"}}`,
		},
	} {
		line := `{"id":"1","source":"s","type":"metadata","time":"2022-12-02T14:06:40Z","data":{` + c.data + `}}`
		want := `{"trigger":{"event":"metadata",` + c.trigger + `,"created":1669990000,"sent":1669990012},` + c.rest + `}`
		if diff := cmp.Diff(want, pingOf(t, catalogue.Empty{}, "", line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestReasonsAreThoseOfTheEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typeName, data, want string }{
		{"AssetDeleted", ``, "delete"},
		{"AssetProfilePublished", ``, "encoded"},
		{"AssetExternalProcessingFinished", ``, "encoded"},
		{"AssetUploadFinished", ``, "encoded"},
		{"AssetCreated", ``, "metadata"},
		{"AssetSecurityUpdated", ``, "metadata"},
		{"AssetCreated", `,"reason":"newversion"`, "newversion"},
		{"thumb", ``, "thumb"},
	} {
		e := decode(t, `{"id":"1","source":"s","type":"`+c.typeName+`","data":{"itemId":5`+c.data+`}}`)
		key, _, ok := Style{}.Key(&e)
		if !ok || string(key) != c.want+"5" {
			t.Errorf("%s%s: key %q, %v; want the reason %s", c.typeName, c.data, key, ok, c.want)
		}
	}
}

func TestKeysMergeByReasonAndItem(t *testing.T) {
	t.Parallel()
	key := func(typeName, data string) debt.Key {
		t.Helper()
		e := decode(t, `{"id":"1","source":"s","type":"`+typeName+`","data":{`+data+`}}`)
		key, _, ok := Style{}.Key(&e)
		if !ok {
			t.Fatalf("%s %s makes no debt", typeName, data)
		}
		return key
	}
	metadata := key("metadata", `"itemId":5`)
	for _, same := range []debt.Key{key("AssetCreated", `"itemId":5,"baseId":9`), key("AssetMetadataUpdated", `"itemId":5,"user":"7"`)} {
		if same != metadata {
			t.Errorf("key %q, want %q", same, metadata)
		}
	}
	for _, other := range []debt.Key{key("thumb", `"itemId":5`), key("AssetDeleted", `"itemId":5`), key("metadata", `"itemId":6`), key("metadata", `"itemId":"5"`)} {
		if other == metadata {
			t.Errorf("another reason or item has the same key %q", other)
		}
	}
	for _, typeName := range []string{"MetafieldMetadataUpdated", "TreeValueCreated", "ComboValueDeleted"} {
		e := decode(t, `{"id":"1","source":"s","type":"`+typeName+`","data":{"itemId":5,"reason":"metadata"}}`)
		if key, _, ok := (Style{}).Key(&e); ok {
			t.Errorf("%s, which is of no asset, makes the debt %q", typeName, key)
		}
	}
}

// A debt tells its latest change, and when that was.
func TestALaterChangeIsTold(t *testing.T) {
	t.Parallel()
	d := owed(t, decode(t, `{"id":"1","source":"s","type":"metadata","time":"2022-12-02T14:06:40Z","data":{"itemId":5,"user":"7","refnr":"old"}}`))
	later := decode(t, `{"id":"2","source":"s","type":"metadata","time":"2022-12-02T14:06:50Z","data":{"itemId":5,"session":"8","refnr":"new"}}`)
	key, note, _ := Style{}.Key(&later)
	d.Merge(debt.Change{Endpoint: 1, Key: key, Event: &later, Note: note}, created.Add(time.Minute))
	got, err := New(catalogue.Empty{}).Compose(t.Context(), endpointWith(t, ""), []debt.Debt{d}, sent)
	want := `{"trigger":{"event":"metadata","user":0,"session":"8","created":1669990010,"sent":1669990012},` +
		`"item":{"ID":"5","GID":5,"refnr":"new","domain":0,"streamtype":""},"data":{"general":{"ID":5,"GID":5,"refnr":"new"}}}`
	if diff := cmp.Diff(want, string(got.Request.Body)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A receiver that passes over what it has had by its id must not pass over newer data.
func TestAnIDIsThatOfWhatIsTold(t *testing.T) {
	t.Parallel()
	known := assets{"5": {ID: event.IntID(5), Data: json.RawMessage(`{"general":{"title":"old"}}`)}}
	d := owed(t, decode(t, `{"id":"1","source":"s","type":"metadata","data":{"itemId":5}}`))
	id := func(known catalogue.Reader, after time.Duration) string {
		t.Helper()
		got, err := New(known).Compose(t.Context(), endpointWith(t, `{"gatewaySecret":"s3cr3t"}`), []debt.Debt{d}, sent.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return got.Request.ID
	}
	first := id(known, 0)
	if again := id(known, time.Hour); again != first {
		t.Errorf("the same is told as %s and then as %s", first, again)
	}
	known["5"] = catalogue.Asset{ID: event.IntID(5), Data: json.RawMessage(`{"exports":[],"general":{"title":"old"}}`)}
	if again := id(known, time.Hour); again != first {
		t.Errorf("the same is told as %s and, once there are exports, which are not told, as %s", first, again)
	}
	known["5"] = catalogue.Asset{ID: event.IntID(5), Data: json.RawMessage(`{"general":{"title":"new"}}`)}
	newer := id(known, time.Hour)
	if newer == first {
		t.Errorf("the id %s is that of the asset as it was, and of the asset as it is", first)
	}
	d.Generation++
	if next := id(known, time.Hour); next == newer {
		t.Errorf("two generations share the id %s", next)
	}
}

func TestAChangeWithoutATimeWasMadeWhenItWasSeen(t *testing.T) {
	t.Parallel()
	got := pingOf(t, catalogue.Empty{}, "", `{"id":"1","source":"s","type":"metadata","data":{"itemId":5}}`)
	if want := `"created":1669990001,"sent":1669990012`; !strings.Contains(got, want) {
		t.Errorf("%s; want %s", got, want)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	styles, err := style.NewSet(New(catalogue.Empty{}))
	if err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		`{"gatewaySecret":"s3cr3t","secretSeparator":","}`: "",
		`{"gatewaySecret":["s3cr3t"]}`:                     "option gatewaySecret is not a string",
		`{"secretSeparater":","}`:                          "did you mean secretSeparator?",
	} {
		err := styles.Validate(endpointWith(t, options))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error shows the secret: %v", options, err)
		}
	}
	for _, option := range (Style{}).Options() {
		if option.Secret != (option.Name == "gatewaySecret") {
			t.Errorf("option %s: secret %v", option.Name, option.Secret)
		}
	}
}

func TestAssetsMustBeSubscribedTo(t *testing.T) {
	t.Parallel()
	ep := endpointWith(t, "")
	ep.Subscription.ChangeTypes = event.MetafieldChanged | event.TreeValueChanged
	want := "style gateway tells changes of assets alone: subscribe to AssetChanged"
	if err := (Style{}).Validate(ep); err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
	ep.Subscription.ChangeTypes |= event.AssetChanged
	if err := (Style{}).Validate(ep); err != nil {
		t.Error(err)
	}
}

func TestWhatCanBeNoPingIsRefused(t *testing.T) {
	t.Parallel()
	good := owed(t, decode(t, `{"id":"1","source":"s","type":"metadata","data":{"itemId":5,"user":"7"}}`))
	field := good
	field.Object.Kind, field.Reason = event.Metafield, ""
	newer := good
	newer.Note = append([]byte{2}, good.Note[1:]...)
	cut := good
	cut.Note = good.Note[:len(good.Note)-1]
	list := assets{"5": {ID: event.IntID(5), Data: json.RawMessage(`["exports"]`)}}
	for _, c := range []struct {
		name  string
		known catalogue.Reader
		debts []debt.Debt
		want  string
	}{
		{"no debt", catalogue.Empty{}, nil, "compose ping: 0 debts, want 1"},
		{"two debts", catalogue.Empty{}, []debt.Debt{good, good}, "compose ping: 2 debts, want 1"},
		{"owed by another style", catalogue.Empty{}, []debt.Debt{field}, "compose ping: metafield/5 is no asset that has changed for a reason"},
		{"a newer note", catalogue.Empty{}, []debt.Debt{newer}, "compose ping: the debt's note has version 2, and this dz reads 1"},
		{"half a note", catalogue.Empty{}, []debt.Debt{cut}, "compose ping: the debt's note is cut off"},
		{"no catalogue", broken{}, []debt.Debt{good}, "compose ping: read asset 5: the disk is gone"},
		{"no object", list, []debt.Debt{good}, "compose ping: the asset's data is no JSON object"},
	} {
		if got, err := New(c.known).Compose(t.Context(), endpointWith(t, ""), c.debts, sent); err == nil || err.Error() != c.want {
			t.Errorf("%s: %s, %v; want %q", c.name, got.Request.Body, err, c.want)
		}
	}
}

func TestARequestTellsOneDebt(t *testing.T) {
	t.Parallel()
	want := style.Limits{Batch: 1, Answer: 64 << 10, Timeout: 30 * time.Second}
	if got := (Style{}).Limits(endpointWith(t, "")); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
}

// What was owed before the endpoint was given this style is told all the same.
func TestADebtOfAnotherStyleIsTold(t *testing.T) {
	t.Parallel()
	d := owed(t, decode(t, `{"id":"1","source":"s","type":"AssetCreated","data":{"itemId":5}}`))
	d.Key, d.Note = "\x015", nil
	got, err := New(catalogue.Empty{}).Compose(t.Context(), endpointWith(t, ""), []debt.Debt{d}, sent)
	if err != nil || !strings.Contains(string(got.Request.Body), `"event":"metadata"`) {
		t.Errorf("%s, %v", got.Request.Body, err)
	}
}

func TestASampleIsMarkedAndMeansNothing(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_670_000_000, 5)
	for options, secret := range map[string]string{
		``: ``,
		`{"gatewaySecret":"s3cr3t","secretSeparator":","}`: `,"secret":"` + md5Of("0,1670000000,1670000000,s3cr3t") + `"`,
	} {
		got, err := New(broken{}).Sample(endpointWith(t, options), now)
		if err != nil {
			t.Fatal(err)
		}
		want := attempt.Request{
			ID: "msg_test_1670000000000000005", ContentType: "application/json", Header: http.Header{"Dz-Test": {"1"}},
			Body: []byte(`{"trigger":{"event":"metadata","user":0,"session":0,"created":1670000000,"sent":1670000000` + secret + `},` +
				`"item":{"ID":"0","GID":0,"refnr":"","domain":0,"streamtype":""},"data":{"general":{"ID":0,"GID":0,"refnr":""}}}`),
		}
		if diff := cmp.Diff(want, got.Request, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestEveryChangeIsToldAtOnce(t *testing.T) {
	t.Parallel()
	defaults := style.Window(New(catalogue.Empty{}), endpoint.Window{Interval: 5 * time.Second, MaxWait: time.Minute})
	ep := endpointWith(t, "")
	if due := ep.Window(defaults).Due(created, sent); !due.Equal(sent) {
		t.Errorf("a change seen at %v is due at %v", sent, due)
	}
	own := timespan.Span(7 * time.Second)
	ep.Debounce = &own
	if due, want := ep.Window(defaults).Due(created, sent), sent.Add(own.Std()); !due.Equal(want) {
		t.Errorf("by the endpoint's own debounce it is due at %v, want %v", due, want)
	}
}
