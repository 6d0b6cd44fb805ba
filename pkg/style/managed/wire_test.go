package managed

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

var update = flag.Bool("update", false, "write the golden files anew")

// chair is an asset as a DAM returns it, with white space and metadata that
// nobody asked for.
const chair = `{"assetId": 16, "itemId": 9588, "title": "Stuhl \"Nº 14\" <Thonet>", "thumbnailUrl": "https://dam.example/t/16?w=1&sig=a",
 "metadata": {"keywords": ["chair", "bentwood"], "colour": "brown", "note": "internal"}}`

const shopConfiguration = `{"shop":"eu-1","retries":3,"nested":{"sync":true}}`

// The bodies, byte for byte.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options string
		prepare func(r *rig)
	}{
		{"create", `{}`, func(r *rig) {
			r.assets["16"] = shows(chair)
			r.owe("AssetCreated", "16", "")
		}},
		{"create_fields_configuration", `{"additionalFields":["Keywords","colour"],"configuration":` + shopConfiguration + `,"tenantId":"t-1"}`, func(r *rig) {
			r.assets["16"] = shows(chair)
			r.owe("AssetUploadFinished", "16", "")
		}},
		{"update", `{"configuration":` + shopConfiguration + `,"tenantId":"t-1"}`, func(r *rig) {
			r.assets["16"] = shows(chair)
			r.track("16", tracking.State{Text: `{"externalId":"abc-1","hash":"x"}`, Given: true})
			r.owe("AssetMetadataUpdated", "16", `,"changedFields":["title"]`)
		}},
		{"update_without_state", `{}`, func(r *rig) {
			r.assets["16"] = shows(chair)
			r.track("16", tracking.State{})
			r.owe("AssetMetadataUpdated", "16", `,"changedFields":["title"]`)
		}},
		{"update_empty_state", `{}`, func(r *rig) {
			r.assets["16"] = shows(chair)
			r.track("16", tracking.State{Given: true})
			r.owe("AssetMetadataUpdated", "16", `,"changedFields":["title"]`)
		}},
		{"update_odd_state", `{}`, func(r *rig) {
			r.assets["16"] = shows(`{}`)
			r.track("16", tracking.State{Text: "{\"q\":\"a \\\"b\\\" \\\\ c\"}\r\n\t\x00\x1f\x7f\u2028 ü 𝄞 </script>", Given: true})
			r.owe("AssetMetadataUpdated", "16", `,"changedFields":["title"]`)
		}},
		{"delete", `{"configuration":` + shopConfiguration + `}`, func(r *rig) {
			r.track("16", tracking.State{Text: `{"externalId":"abc-1"}`, Given: true})
			r.owe("AssetDeleted", "16", "")
		}},
		{"string_id", `{}`, func(r *rig) {
			r.assets[`"5f/ü\"1"`] = shows(`{"id":"5f/ü\"1"}`)
			r.owe("AssetCreated", `"5f/ü\"1"`, "")
		}},
		{"nothing_known", `{}`, func(r *rig) {
			r.assets["16"] = catalogue.Answer{}
			r.owe("AssetCreated", "16", "")
		}},
		{"mixed", `{"tenantId":"t-1"}`, func(r *rig) {
			r.assets["16"], r.assets["18"] = shows(chair), shows(`{"title":"b"}`)
			r.track("18", tracking.State{Text: `"b"`, Given: true})
			r.track("17", tracking.State{Text: `"a"`, Given: true})
			r.owe("AssetCreated", "16", "")
			r.owe("AssetDeleted", "17", "")
			r.owe("AssetMetadataUpdated", "18", `,"changedFields":["title"]`)
		}},
		{"batch_of_200", `{"configuration":` + shopConfiguration + `}`, func(r *rig) {
			for n := range 200 {
				asset := fmt.Sprint(1000 + n)
				r.assets[asset] = shows(fmt.Sprintf(`{"assetId":%s,"title":"number %d"}`, asset, n))
				if n%2 == 1 {
					r.track(asset, tracking.State{Text: fmt.Sprintf(`{"n":%d}`, n), Given: true})
				}
				r.owe("AssetMetadataUpdated", asset, `,"changedFields":["title"]`)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.options)
			tt.prepare(r)
			m := r.compose()
			if m.Apart != nil || m.Request.ContentType != "application/json" {
				t.Errorf("content type %q, apart %+v", m.Request.ContentType, m.Apart)
			}
			if len(r.debts) == 1 && !strings.HasPrefix(m.Request.ID, r.debts[0].MessageID()+"_") {
				t.Errorf("id %q, want one of debt %s", m.Request.ID, r.debts[0].MessageID())
			}
			name := filepath.Join("testdata", tt.name+".golden.json")
			if *update {
				if err := os.WriteFile(name, m.Request.Body, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(m.Request.Body)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			wantHashes(t, r, m.Request.Body)
		})
	}
}

// wantHashes compares what each action says with what is tracked.
func wantHashes(t *testing.T, r *rig, body []byte) {
	t.Helper()
	got := read(t, body)
	if len(got.Actions) != len(r.debts) || got.TenantID == nil {
		t.Fatalf("%d actions of %d debts, tenant %v", len(got.Actions), len(r.debts), got.TenantID)
	}
	for _, a := range got.Actions {
		known := r.memory.tracked[string(a.AssetID)].State
		if !known.Given {
			if a.State != nil || a.StateHash != nil {
				t.Errorf("asset %s: state %v with hash %v, want null", a.AssetID, a.State, a.StateHash)
			}
			continue
		}
		if a.State == nil || *a.State != known.Text || a.StateHash == nil || *a.StateHash != known.Hash() {
			t.Errorf("asset %s: state %v with hash %v, want %q", a.AssetID, a.State, a.StateHash, known.Text)
		}
	}
}

// The golden requests are held to another implementation of JSON and SHA-256.
func TestRequestsAreWhatPythonReads(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	const program = `
import hashlib, json, sys
for name in sys.argv[1:]:
    raw = open(name, "rb").read()
    body = json.loads(raw.decode("utf-8", "strict"))
    assert list(body) == ["actions", "configuration", "tenantId"], name
    for a in body["actions"]:
        assert list(a) == ["type", "asset", "integrationState", "assetStateHash", "assetId"], name
        assert a["type"] in ("sync", "delete"), name
        assert (a["asset"] is None) == (a["type"] == "delete"), name
        state, sha = a["integrationState"], a["assetStateHash"]
        assert (state is None) == (sha is None), name
        assert state is None or hashlib.sha256(state.encode("utf-8")).hexdigest() == sha, name
    print(name)
`
	golden, err := filepath.Glob(filepath.Join("testdata", "*.golden.json"))
	if err != nil || len(golden) == 0 {
		t.Fatal(golden, err)
	}
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", program}, golden...)...).CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != len(golden) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAStateGoesOutAsItCameIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["16"] = shows(`{}`)
	const state = "{\"a\":\"\\u00fc \\\"\"} \t\n ü 𝄞 \u2028 \x7f"
	quoted, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	r.owe("AssetCreated", "16", "")
	reading := r.answered(200, `{"Items":[{"AssetId":16,"IntegrationState":`+string(quoted)+`}]}`)
	ack := reading.Debts[0].Acknowledged
	if ack == nil || ack.State.Text != state {
		t.Fatalf("acknowledged %+v of %+v", ack, reading.Debts[0].Outcome)
	}
	r.track("16", ack.State)
	r.owe("AssetMetadataUpdated", "16", `,"changedFields":["title"]`)
	got := read(t, r.compose().Request.Body).Actions[0]
	if got.State == nil || *got.State != state {
		t.Errorf("state %v, want %q", got.State, state)
	}
}

// The id of a batch is the same as long as it tells the same.
func TestTheIDOfABatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"], r.assets["2"] = shows(`{}`), shows(`{}`)
	r.owe("AssetCreated", "1", "")
	r.owe("AssetCreated", "2", "")
	first, again := r.compose().Request.ID, r.compose().Request.ID
	r.owe("AssetMetadataUpdated", "2", "")
	other := r.compose().Request.ID
	if first != again || first == other || !strings.HasPrefix(first, "msg_") {
		t.Errorf("ids %q, %q and after a change %q", first, again, other)
	}
}

// A later version makes the same ids of what is under way as it takes over.
func TestIDsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.ep.Updated = noon
	r.assets["1"], r.assets["2"] = shows(chair), shows(`{}`)
	r.track("2", tracking.State{Text: "two\n", Given: true})
	r.track("3", tracking.State{Given: true})
	r.owe("AssetCreated", "1", "")
	want := []string{"msg_01M81J18G0000G000000000001_1_5a76413257c20ac1", "msg_abd1de344bb3f30a76aa35a8aa2020c7"}
	got := []string{r.compose().Request.ID}
	r.owe("AssetMetadataUpdated", "2", `,"changedFields":["title"]`)
	r.owe("AssetDeleted", "3", "")
	got = append(got, r.compose().Request.ID)
	if !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
}

// A retry tells what the catalogue shows by then. A receiver that passes over ids which
// it has had must not pass over anything else than what it has had.
func TestARetryHasAnotherIDIfItTellsSomethingElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(r *rig)
		other  bool
	}{
		{"all as it was", func(*rig) {}, false},
		{"another attempt", func(r *rig) { r.debts[0].Attempts, r.debts[0].Unclear = 1, true }, false},
		{"a preview's new signature", func(r *rig) { r.assets["1"] = shows(resign) }, false},
		{"another title", func(r *rig) { r.assets["1"] = shows(retitle) }, true},
		{"gone, and the event comes later", func(r *rig) { r.debts[0].Unclear = true; delete(r.assets, "1") }, true},
		{"out of the filter", func(r *rig) { r.debts[0].Unclear = true; r.assets["1"] = shows(leaves) }, true},
		{"a state", func(r *rig) { r.track("1", tracking.State{Text: "1", Given: true}) }, true},
		{"an empty state", func(r *rig) { r.track("1", tracking.State{Given: true}) }, true},
		{"other settings", func(r *rig) { r.ep.Updated = noon }, true},
		{"a newer change", func(r *rig) { r.owe("AssetMetadataUpdated", "1", `,"changedFields":["title"]`) }, true},
	} {
		for _, batch := range []bool{false, true} {
			r := newRig(t, "")
			r.ep.Subscription.Filter = "inChannel(42)"
			r.assets["1"], r.assets["2"] = shows(before), shows(before)
			r.owe("AssetCreated", "1", "").Forced = true
			if batch {
				r.owe("AssetCreated", "2", "")
			}
			first := r.compose()
			tt.change(r)
			retry := r.compose()
			if first.Request.ID == "" || retry.Request.ID == "" || (first.Request.ID != retry.Request.ID) != tt.other {
				t.Errorf("%s, in a batch %v: id %q and then %q", tt.name, batch, first.Request.ID, retry.Request.ID)
			}
		}
	}
}

// What a request has no room for is still due, and one asset always goes.
func TestARequestIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	large := `{"title":"` + strings.Repeat("x", maxBody*2/5) + `"}`
	for _, asset := range []string{"1", "2", "3"} {
		r.assets[asset] = shows(large)
		r.owe("AssetCreated", asset, "")
	}
	m := r.compose()
	if len(m.Request.Body) > maxBody+1<<10 || len(read(t, m.Request.Body).Actions) != 2 {
		t.Errorf("a body of %d bytes", len(m.Request.Body))
	}
	if m.Apart[0].Verdict != 0 || m.Apart[1].Verdict != 0 || m.Apart[2].Verdict != attempt.Aborted {
		t.Errorf("apart %+v", m.Apart)
	}
	one := newRig(t, "")
	one.assets["1"] = shows(`{"title":"` + strings.Repeat("x", maxBody+1) + `"}`)
	one.owe("AssetCreated", "1", "")
	if m := one.compose(); m.Apart != nil || len(m.Request.Body) <= maxBody {
		t.Errorf("a large asset goes in %d bytes, apart %+v", len(m.Request.Body), m.Apart)
	}
}

// counted is a catalogue that remembers how many assets and bytes it was asked for.
type counted struct {
	assets
	asked, most int
	bytes       int // the largest answer
}

func (c *counted) Look(ctx context.Context, view catalogue.View, ids []event.ID) ([]catalogue.Answer, error) {
	answers, err := c.assets.Look(ctx, view, ids)
	size := 0
	for i := range answers {
		size += len(answers[i].Asset.Data)
	}
	c.asked, c.most, c.bytes = c.asked+len(ids), max(c.most, len(ids)), max(c.bytes, size)
	return answers, err
}

// However many assets are to be told and however large they are, no more is read
// than goes into a request, and no more at a time than a few MiB.
func TestAssetsAreReadInParts(t *testing.T) {
	t.Parallel()
	const size = 480_000
	r := newRig(t, "")
	c := &counted{assets: r.assets}
	r.Style.assets = c
	for asset := range 1000 {
		r.assets[strconv.Itoa(asset)] = shows(`{"title":"` + strings.Repeat("x", size) + `"}`)
		r.owe("AssetCreated", strconv.Itoa(asset), "")
	}
	m := r.compose()
	told := len(read(t, m.Request.Body).Actions)
	if told < maxBody/size-1 || told > maxBody/size {
		t.Errorf("%d assets of %d bytes are told", told, size)
	}
	if c.asked > 2*told+firstPart {
		t.Errorf("%d assets are read, and %d told", c.asked, told)
	}
	aborted := 0
	for _, o := range m.Apart {
		if o.Verdict == attempt.Aborted {
			aborted++
		}
	}
	if aborted != 1000-told {
		t.Errorf("%d are given back, and %d told", aborted, told)
	}
	c.asked, c.bytes = 0, 0
	if r.compose(); c.bytes > partSize || c.asked > told+partSize/size {
		t.Errorf("when their size is known, %d are read, at most %d bytes at a time", c.asked, c.bytes)
	}
}

// Small assets are read together, as many as a request tells.
func TestSmallAssetsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	c := &counted{assets: r.assets}
	r.Style.assets = c
	for asset := range 200 {
		r.assets[strconv.Itoa(asset)] = shows(`{"title":"` + strings.Repeat("x", 3000) + `"}`)
		r.owe("AssetCreated", strconv.Itoa(asset), "")
	}
	r.compose()
	if r.compose(); c.most != 200 {
		t.Errorf("at most %d are read at a time", c.most)
	}
}

func TestASampleTellsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"configuration":{"a":1},"tenantId":"t"}`)
	m, err := r.Sample(r.ep, told)
	if err != nil || m.Request.Header.Get(style.TestHeader) != "1" ||
		string(m.Request.Body) != `{"actions":[],"configuration":{"a":1},"tenantId":"t"}` {
		t.Errorf("%s, %v, %v", m.Request.Body, m.Request.Header, err)
	}
	sent := attempt.Outcome{Verdict: attempt.Delivered, Status: 200}
	if got := m.Understand(0, attempt.Answer{Status: 200, Body: []byte(`{"Items":[]}`)}, sent); got.Outcome.Verdict != attempt.Delivered {
		t.Errorf("%+v", got)
	}
	if got := m.Understand(0, attempt.Answer{Status: 200, Body: []byte(`ok`)}, sent); got.Outcome.Reason != attempt.BadAnswer {
		t.Errorf("%+v", got)
	}
}

// An asset that can't be told does not keep the others.
func TestAnAssetThatCantBeReadIsRefusedAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	unread := &catalogue.ReadError{Kind: catalogue.ErrUnreadable, Asset: id(t, "2"), Text: "no JSON"}
	r.assets["1"], r.assets["2"], r.assets["3"] = shows(`{}`), catalogue.Answer{Err: unread}, shows(`[1]`)
	for _, asset := range []string{"1", "2", "3"} {
		r.owe("AssetCreated", asset, "")
	}
	m := r.compose()
	if got := read(t, m.Request.Body).Actions; len(got) != 1 || !bytes.Equal(got[0].AssetID, []byte("1")) {
		t.Errorf("%s", m.Request.Body)
	}
	for i, text := range []string{"", "no JSON", "asset 3: "} {
		if o := m.Apart[i]; text != "" && (o.Verdict != attempt.Refused || o.Reason != attempt.Compose || !strings.Contains(o.Error, text)) {
			t.Errorf("debt %d: %+v", i, o)
		}
	}
}

func TestWhatCantBeReadAtAll(t *testing.T) {
	t.Parallel()
	for _, spoil := range []func(r *rig){
		func(r *rig) { r.ep.Options["apiUser"] = json.RawMessage(`"nobody"`) },
		func(r *rig) { r.memory.err = errDisk },
		func(r *rig) { r.ep.Subscription.Filter = "(" },
	} {
		r := newRig(t, `{}`)
		r.assets["1"] = shows(`{}`)
		r.owe("AssetCreated", "1", "")
		spoil(r)
		if m, err := r.Compose(t.Context(), r.ep, r.debts, told); err == nil {
			t.Errorf("composed %s", m.Request.Body)
		}
	}
}

// There is room for a body at once, whatever its states are, and hardly more.
func TestABodyIsWrittenWithoutGrowing(t *testing.T) {
	t.Parallel()
	for _, states := range [][]string{{"", "", ""}, {`{"row": "1\t"}`, "two", ""}, {"one", "two", strings.Repeat(`"x"`, 10_000)}} {
		r := newRig(t, `{"configuration":{"a":1},"tenantId":"t"}`)
		for i, state := range states {
			asset := strconv.Itoa(i + 1)
			r.assets[asset] = shows(before)
			r.track(asset, tracking.State{Text: state, Given: state != ""})
			r.owe("AssetMetadataUpdated", asset, "")
			r.debts[i].Note = note{whatever: true}.encode()
		}
		set, err := r.settings.of(r.ep)
		if err != nil {
			t.Fatal(err)
		}
		m := &draft{ep: r.ep, tellings: make([]telling, len(r.debts))}
		if err := r.look(t.Context(), set, m, r.debts); err != nil {
			t.Fatal(err)
		}
		size := m.bodySize(set)
		body, _ := m.encode(set)
		if longest := len(states[2]); len(body) > size || size-longest-len(body) > 300 {
			t.Errorf("a body has %d bytes, and %d were foreseen", len(body), size)
		}
	}
}
