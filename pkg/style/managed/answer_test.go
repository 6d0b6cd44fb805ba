package managed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// toldThree owes three assets: a new one, one that is tracked, and one that is
// gone.
func toldThree(t testing.TB) *rig {
	t.Helper()
	r := newRig(t, "")
	r.assets["1"], r.assets["2"] = shows(`{"title":"a"}`), shows(`{"title":"b"}`)
	r.track("2", tracking.State{Text: "before", Given: true})
	r.track("3", tracking.State{})
	r.owe("AssetCreated", "1", "")
	r.owe("AssetMetadataUpdated", "2", `,"changedFields":["title"]`)
	r.owe("AssetDeleted", "3", "")
	return r
}

// good is an answer to what toldThree tells.
const good = `{"Items":[{"AssetId":1,"IntegrationState":"one"},{"AssetId":2,"IntegrationState":"two"},{"AssetId":3,"IntegrationState":null}]}`

// What an answer of 200 means for each asset: its new state, "gone", or the reason
// for which it failed.
func TestAnswers(t *testing.T) {
	t.Parallel()
	kib := strings.Repeat("x", 1024)
	most := strings.Repeat(kib, 64)
	for _, tt := range []struct {
		name, body string
		want       [3]string
	}{
		{"good", good, [3]string{`"one"`, `"two"`, "gone"}},
		{"in another order and with more", `{"took":3,"Items":[{"IntegrationState":"two","x":{},"AssetId":2},{"AssetId":3},{"AssetId":1,"IntegrationState":"one"}],"y":[]}`, [3]string{`"one"`, `"two"`, "gone"}},
		{"in order behind one that is missing", `{"Items":[{"AssetId":2},{"AssetId":3},{"AssetId":1},{"AssetId":2,"IntegrationState":"two"}]}`, [3]string{"none", `"two"`, "gone"}},
		{"in order behind a foreign one", `{"Items":[{"AssetId":9},{"AssetId":1},{},{"AssetId":"2","IntegrationState":"two"},{"AssetId":3},{"AssetId":3}]}`, [3]string{"none", `"two"`, "gone"}},
		{"double members: the last counts", `{"Items":[{"AssetId":9,"assetid":1,"IntegrationState":"a","integrationstate":"one"}]}`, [3]string{`"one"`, "no-item-in-answer", "no-item-in-answer"}},
		{"other case", `{"items":[{"assetid":1,"INTEGRATIONSTATE":"one"},{"assetId":2,"integrationState":"two"},{"ASSETID":3}]}`, [3]string{`"one"`, `"two"`, "gone"}},
		{"capitals", `{"ITEMS":[{"AssetId":1},{"AssetId":2},{"AssetId":3}]}`, [3]string{"none", "none", "gone"}},
		{"short", `{"Items":[{"AssetId":2,"IntegrationState":"two"}]}`, [3]string{"no-item-in-answer", `"two"`, "no-item-in-answer"}},
		{"empty", `{"Items":[]}`, [3]string{"no-item-in-answer", "no-item-in-answer", "no-item-in-answer"}},
		{"double: the last counts", `{"Items":[{"AssetId":1,"IntegrationState":"a"},{"AssetId":2},{"AssetId":3},{"AssetId":1,"IntegrationState":"b"}]}`, [3]string{`"b"`, "none", "gone"}},
		{"double lists: the last counts", `{"Items":[{"AssetId":1,"IntegrationState":"a"}],"items":[{"AssetId":2}]}`, [3]string{"no-item-in-answer", "none", "no-item-in-answer"}},
		{"a list in the place of none", `{"Items":null,"items":{},"ITEMS":[{"AssetId":2}]}`, [3]string{"no-item-in-answer", "none", "no-item-in-answer"}},
		{"foreign ids", `{"Items":[{"AssetId":4,"IntegrationState":"x"},{"AssetId":1},{"AssetId":"two"},{"AssetId":2.5},{"AssetId":null},{"AssetId":{}},{}]}`, [3]string{"none", "no-item-in-answer", "no-item-in-answer"}},
		{"items that are none", `{"Items":[null,1,"x",[],{"AssetId":1}]}`, [3]string{"none", "no-item-in-answer", "no-item-in-answer"}},
		{"ids as strings", `{"Items":[{"AssetId":"1","IntegrationState":"one"},{"AssetId":"2"},{"AssetId":"3"}]}`, [3]string{`"one"`, "none", "gone"}},
		{"states that are none", `{"Items":[{"AssetId":1,"IntegrationState":null},{"AssetId":2,"IntegrationState":""},{"AssetId":3}]}`, [3]string{"none", `""`, "gone"}},
		{"a number as state", `{"Items":[{"AssetId":1,"IntegrationState":7},{"AssetId":2,"IntegrationState":false},{"AssetId":3,"IntegrationState":7}]}`, [3]string{"bad-answer", "bad-answer", "gone"}},
		{"an object as state", `{"Items":[{"AssetId":1,"IntegrationState":{"id":1}},{"AssetId":2,"IntegrationState":"two"},{"AssetId":3}]}`, [3]string{"bad-answer", `"two"`, "gone"}},
		{"the largest state", `{"Items":[{"AssetId":1,"IntegrationState":"` + most + `"},{"AssetId":2,"IntegrationState":"` + most + `x"},{"AssetId":3}]}`, [3]string{`"` + most + `"`, "bad-answer", "gone"}},
		{"escapes count decoded", `{"Items":[{"AssetId":1,"IntegrationState":"\u00fc\"\\ \ud834\udd1e \ud834"},{"AssetId":2},{"AssetId":3}]}`, [3]string{`"ü\"\\ 𝄞 ` + "\uFFFD" + `"`, "none", "gone"}},
		{"no UTF-8", "{\"Items\":[{\"AssetId\":1,\"IntegrationState\":\"a\xffb\"},{\"AssetId\":2},{\"AssetId\":3}]}", [3]string{"\"a\uFFFDb\"", "none", "gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := toldThree(t)
			got := r.answered(200, tt.body)
			if got.Outcome.Verdict != attempt.Delivered || got.Divide {
				t.Errorf("the request: %+v, divide %v; want one that the endpoint has taken", got.Outcome, got.Divide)
			}
			for i, want := range tt.want {
				o, ack := got.Debts[i].Outcome, got.Debts[i].Acknowledged
				said := string(o.Reason)
				switch {
				case ack == nil:
					if o.Verdict != attempt.Refused || o.Error == "" {
						t.Errorf("asset %d: %+v", i+1, o)
					}
				case ack.Delete:
					said = "gone"
				case ack.State.Given:
					text, err := marshal(ack.State.Text)
					if err != nil {
						t.Fatal(err)
					}
					said = text
				default:
					said = "none"
				}
				if said != want {
					t.Errorf("asset %d: %.80s, want %.80s", i+1, said, want)
				}
			}
		})
	}
}

func marshal(text string) (string, error) {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// Anything else fails the request, for all assets alike; what can be one asset's
// fault is divided.
func TestAnswersThatFailTheRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer attempt.Answer
		sent   attempt.Outcome // of the exchange; its zero value: a success
		reason attempt.Reason
		text   string
		divide bool
	}{
		{name: "broken JSON", answer: attempt.Answer{Body: []byte(`{"Items":[{"AssetId":1,]}`)}, reason: attempt.BadAnswer, text: "not JSON: ", divide: true},
		{name: "broken behind its items", answer: attempt.Answer{Body: []byte(good[:len(good)-1] + `,"y":[1,]}`)}, reason: attempt.BadAnswer, text: "not JSON: ", divide: true},
		{name: "cut off", answer: attempt.Answer{Body: []byte(good[:len(good)-1])}, reason: attempt.BadAnswer, text: "not JSON: ", divide: true},
		{name: "two values", answer: attempt.Answer{Body: []byte(good + good)}, reason: attempt.BadAnswer, text: "more after the end", divide: true},
		{name: "HTML", answer: attempt.Answer{Body: []byte("<html>secret</html>")}, reason: attempt.BadAnswer, text: "at byte 0", divide: true},
		{name: "no body", reason: attempt.BadAnswer, text: "no value", divide: true},
		{name: "null", answer: attempt.Answer{Body: []byte(`null`)}, reason: attempt.BadAnswer, text: "no JSON object", divide: true},
		{name: "a list", answer: attempt.Answer{Body: []byte(`[{"AssetId":1}]`)}, reason: attempt.BadAnswer, text: "no JSON object", divide: true},
		{name: "no Items", answer: attempt.Answer{Body: []byte(`{"Item":[]}`)}, reason: attempt.BadAnswer, text: "the answer has no Items", divide: true},
		{name: "Items null", answer: attempt.Answer{Body: []byte(`{"Items":null}`)}, reason: attempt.BadAnswer, text: "the answer has no Items", divide: true},
		{name: "Items, and then null", answer: attempt.Answer{Body: []byte(good[:len(good)-1] + `,"items":null}`)}, reason: attempt.BadAnswer, text: "the answer has no Items", divide: true},
		{name: "Items, and then no list", answer: attempt.Answer{Body: []byte(good[:len(good)-1] + `,"items":"x"}`)}, reason: attempt.BadAnswer, text: "the answer's Items is no list", divide: true},
		{name: "Items no list", answer: attempt.Answer{Body: []byte(`{"Items":{"AssetId":1}}`)}, reason: attempt.BadAnswer, text: "the answer's Items is no list", divide: true},
		{name: "too large", answer: attempt.Answer{Body: []byte(good), Truncated: true}, reason: attempt.AnswerTooLarge, text: "larger than 16 MiB", divide: true},
		{name: "201", answer: attempt.Answer{Status: 201, Body: []byte(good)}, reason: attempt.UnexpectedStatus, text: "answered 201 Created, and only 200 is a success", divide: true},
		{name: "202", answer: attempt.Answer{Status: 202}, reason: attempt.UnexpectedStatus, text: "202 Accepted", divide: true},
		{name: "204", answer: attempt.Answer{Status: 204}, reason: attempt.UnexpectedStatus, text: "204 No Content", divide: true},
		{name: "400", sent: attempt.Outcome{Verdict: attempt.Refused, Reason: attempt.ClientError, Status: 400}, reason: attempt.ClientError, divide: true},
		{name: "413", sent: attempt.Outcome{Verdict: attempt.Refused, Reason: attempt.ClientError, Status: 413}, reason: attempt.ClientError, divide: true},
		{name: "401", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ClientError, Status: 401}, reason: attempt.ClientError},
		{name: "404", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ClientError, Status: 404}, reason: attempt.ClientError},
		{name: "410", sent: attempt.Outcome{Verdict: attempt.Gone, Reason: attempt.EndpointGone, Status: 410}, reason: attempt.EndpointGone},
		{name: "429", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.RateLimited, Status: 429}, reason: attempt.RateLimited},
		{name: "500", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 500}, reason: attempt.ServerError, divide: true},
		{name: "503", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 503}, reason: attempt.ServerError},
		{name: "500 with Retry-After", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 500, NotBefore: told.Add(time.Hour)}, reason: attempt.ServerError},
		{name: "redirect", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.Redirect, Status: 302}, reason: attempt.Redirect},
		{name: "timeout", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.Timeout}, reason: attempt.Timeout, divide: true},
		{name: "hung up", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ConnectionClosed}, reason: attempt.ConnectionClosed, divide: true},
		{name: "refused", sent: attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.Refusal}, reason: attempt.Refusal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := toldThree(t)
			m := r.compose()
			if tt.sent.Verdict == 0 {
				if tt.answer.Status == 0 {
					tt.answer.Status = 200
				}
				tt.sent = attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: tt.answer.Status}
			}
			got := m.Understand(3, tt.answer, tt.sent)
			verdict := tt.sent.Verdict
			if verdict == attempt.Delivered {
				verdict = attempt.Unavailable
			}
			for i, o := range []attempt.Outcome{got.Outcome, got.Debts[0].Outcome, got.Debts[1].Outcome, got.Debts[2].Outcome} {
				if o.Verdict != verdict || o.Reason != tt.reason || !strings.Contains(o.Error, tt.text) || strings.Contains(o.Error, "secret") {
					t.Errorf("outcome %d: %+v; want %s, %s, %q", i, o, verdict, tt.reason, tt.text)
				}
			}
			for i := range got.Debts {
				if got.Debts[i].Acknowledged != nil {
					t.Errorf("debt %d is acknowledged", i)
				}
			}
			if got.Divide != tt.divide {
				t.Errorf("divide %v, want %v", got.Divide, tt.divide)
			}
		})
	}
}

// A number and a string of one text are two assets: told together, each has its own
// item.
func TestAnswersTellNumbersFromStringsWhereBothAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["16"], r.assets[`"16"`] = shows(`{}`), shows(`{}`)
	r.owe("AssetCreated", "16", "")
	r.owe("AssetCreated", `"16"`, "")
	for _, tt := range []struct {
		items string
		want  string // the states of the number and the string
	}{
		{`{"AssetId":16,"IntegrationState":"n"}`, "n -"},
		{`{"AssetId":"16","IntegrationState":"s"}`, "- s"},
		{`{"AssetId":"16","IntegrationState":"s"},{"AssetId":16,"IntegrationState":"n"}`, "n s"},
		{`{"AssetId":"\u00316","IntegrationState":"s"}`, "- s"},
	} {
		reading := r.answered(200, `{"Items":[`+tt.items+`]}`)
		var states []string
		for i := range reading.Debts {
			state := "-"
			if ack := reading.Debts[i].Acknowledged; ack != nil {
				state = ack.State.Text
			}
			states = append(states, state)
		}
		if got := strings.Join(states, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.items, got, tt.want)
		}
	}
}

// Two debts may be of one asset, if one was owed before the endpoint got this style: what
// is said of it is said of both, and the last of it counts.
func TestAnAnswerSaysTheSameOfTwoDebtsOfOneAsset(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"], r.assets["2"] = shows(`{}`), shows(`{}`)
	r.owe("AssetCreated", "1", "")
	r.owe("AssetCreated", "2", "")
	again := r.debts[0]
	again.Key = "\x01asset 1"
	r.debts = append(r.debts, again)
	for _, tt := range []struct{ items, want string }{
		{`{"AssetId":1,"IntegrationState":"a"},{"AssetId":2,"IntegrationState":"b"}`, "a b a"},
		{`{"AssetId":1,"IntegrationState":"a"},{"AssetId":2,"IntegrationState":"b"},{"AssetId":1,"IntegrationState":"c"}`, "c b c"},
		{`{"AssetId":"1","IntegrationState":"a"},{"AssetId":1,"IntegrationState":"c"},{"AssetId":2,"IntegrationState":"b"}`, "c b c"},
	} {
		var states []string
		for _, result := range r.answered(200, `{"Items":[`+tt.items+`]}`).Debts {
			if result.Acknowledged == nil {
				t.Fatalf("%s: %+v", tt.items, result.Outcome)
			}
			states = append(states, result.Acknowledged.State.Text)
		}
		if got := strings.Join(states, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.items, got, tt.want)
		}
	}
}

// What was not told is none of the answer's business.
func TestAnAnswerSaysNothingOfWhatWasSettledApart(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"], r.assets["2"] = shows(`{}`), shows(`{}`)
	r.track("1", tracking.State{})
	r.owe("AssetMetadataUpdated", "1", "")
	r.owe("AssetCreated", "2", "")
	got := r.answered(200, `{"Items":[{"AssetId":1,"IntegrationState":"x"},{"AssetId":2,"IntegrationState":"y"}]}`)
	if got.Debts[0].Acknowledged != nil || got.Debts[1].Acknowledged == nil {
		t.Errorf("%+v", got.Debts)
	}
}

// An answer of nothing but items that nobody asked for costs no memory to speak of.
// Not parallel: it counts allocations.
func TestForeignItemsAreNotKept(t *testing.T) {
	r := toldThree(t)
	m := r.compose()
	body := []byte(`{"Items":[` + strings.Repeat(`{},`, 1<<20) + `{}]}`)
	sent := attempt.Outcome{Verdict: attempt.Delivered, Status: 200}
	if n := testing.AllocsPerRun(1, func() { m.Understand(3, attempt.Answer{Status: 200, Body: body}, sent) }); n > 100 {
		t.Errorf("%.0f allocations", n)
	}
}

// Whatever a receiver answers: each debt has an outcome, and what is acknowledged
// is an asset that was told, with a state that can be kept and sent back.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		good, `{"items":[{"assetid":"1"}]}`, `{"Items":[{"AssetId":1,"IntegrationState":"\ud834"}]}`, `{"Items":null}`, `[]`, `{`,
		"{\"Items\":[{\"AssetId\":1,\"IntegrationState\":\"\xff\"}]}", `{"Items":[{"AssetId":1,"IntegrationState":{}}]}`,
	} {
		f.Add(200, []byte(body))
		f.Add(201, []byte(body))
	}
	m := toldThree(f).compose()
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		sent := attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: status}
		got := m.Understand(3, attempt.Answer{Status: status, Body: body}, sent)
		if len(got.Debts) != 3 || got.Outcome.Verdict == 0 {
			t.Fatalf("%+v", got)
		}
		for i, d := range got.Debts {
			acknowledged := d.Outcome.Verdict == attempt.Delivered
			switch {
			case acknowledged != (d.Acknowledged != nil), acknowledged && status != 200:
				t.Errorf("asset %d: %+v", i+1, d)
			case !acknowledged:
				if d.Outcome.Reason == attempt.OK || d.Outcome.Error == "" || len(d.Outcome.Response) > attempt.MaxResponse {
					t.Errorf("asset %d: %+v", i+1, d.Outcome)
				}
			case d.Acknowledged.ID.String() != fmt.Sprint(i+1), len(d.Acknowledged.State.Text) > tracking.MaxState:
				t.Errorf("asset %d: acknowledged %+v", i+1, d.Acknowledged)
			default:
				// It can be read as part of a request.
				sent := telling{known: &tracking.Asset{State: d.Acknowledged.State}}
				var back any
				if err := json.Unmarshal(append(sent.appendState([]byte(`{"a":1`)), '}'), &back); err != nil {
					t.Errorf("asset %d: state %q: %v", i+1, d.Acknowledged.State.Text, err)
				}
			}
		}
	})
}
