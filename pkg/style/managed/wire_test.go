package managed

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
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
