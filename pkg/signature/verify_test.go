package signature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"
)

// vectorTime is when the vectors were signed.
var vectorTime = time.Unix(vectorTimestamp, 0)

func vectorHeader(signature string) http.Header {
	header := http.Header{}
	header.Set(HeaderID, vectorID)
	header.Set(HeaderTimestamp, fmt.Sprint(vectorTimestamp))
	header.Set(HeaderSignature, signature)
	return header
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	secret, private, public := parse(t, vectorSecret), parse(t, vectorPrivate), parse(t, vectorPublic)
	other, err := Make(HMAC)
	if err != nil {
		t.Fatal(err)
	}
	without := func(name string) http.Header {
		header := vectorHeader(vectorV1)
		header.Del(name)
		return header
	}
	with := func(name, value string) http.Header {
		header := vectorHeader(vectorV1)
		header.Set(name, value)
		return header
	}
	for name, c := range map[string]struct {
		keys   []Key
		header http.Header
		body   string
		later  time.Duration
		kind   Kind // "" for none
		want   string
	}{
		"a secret":                      {[]Key{secret}, vectorHeader(vectorV1), vectorBody, 0, "", ""},
		"a public key":                  {[]Key{public}, vectorHeader(vectorV1a), vectorBody, 0, "", ""},
		"a private key":                 {[]Key{private}, vectorHeader(vectorV1a), vectorBody, 0, "", ""},
		"one of several keys":           {[]Key{other, secret}, vectorHeader(vectorV1), vectorBody, 0, "", ""},
		"one of several signatures":     {[]Key{secret}, vectorHeader("v2,x v1,YQ== " + vectorV1a + " " + vectorV1), vectorBody, 0, "", ""},
		"just within the tolerance":     {[]Key{secret}, vectorHeader(vectorV1), vectorBody, Tolerance, "", ""},
		"just before it was sent":       {[]Key{secret}, vectorHeader(vectorV1), vectorBody, -Tolerance, "", ""},
		"too late":                      {[]Key{secret}, vectorHeader(vectorV1), vectorBody, Tolerance + time.Second, TimeSkew, "2021-02-25T15:02:10Z, 5m1s before the time of the check; 5m0s is allowed"},
		"too early":                     {[]Key{secret}, vectorHeader(vectorV1), vectorBody, -time.Hour, TimeSkew, "1h0m0s after the time of the check"},
		"no id":                         {[]Key{secret}, without(HeaderID), vectorBody, 0, MissingHeader, "header webhook-id is missing"},
		"no timestamp":                  {[]Key{secret}, without(HeaderTimestamp), vectorBody, 0, MissingHeader, "header webhook-timestamp is missing"},
		"no signature":                  {[]Key{secret}, without(HeaderSignature), vectorBody, 0, MissingHeader, "header webhook-signature is missing"},
		"a timestamp in words":          {[]Key{secret}, with(HeaderTimestamp, "now"), vectorBody, 0, BadHeader, `header webhook-timestamp is "now", no whole number`},
		"a signature of nothing":        {[]Key{secret}, vectorHeader("v1,"), vectorBody, 0, BadHeader, "holds no signature"},
		"a signature of a later time":   {[]Key{secret}, vectorHeader("v9,abcd"), vectorBody, 0, BadHeader, "holds no signature"},
		"another secret":                {[]Key{other}, vectorHeader(vectorV1), vectorBody, 0, NoMatch, "the secret is another one"},
		"another id":                    {[]Key{secret}, with(HeaderID, "msg_x"), vectorBody, 0, NoMatch, "webhook-id or webhook-timestamp was changed"},
		"another timestamp":             {[]Key{secret}, with(HeaderTimestamp, "1614265331"), vectorBody, 0, NoMatch, "webhook-timestamp was changed"},
		"another public key":            {[]Key{other}, vectorHeader(vectorV1a), vectorBody, 0, OtherScheme, "it is signed with ed25519, for which this is no key: give the public key, whpk_…"},
		"a public key for HMAC":         {[]Key{public}, vectorHeader(vectorV1), vectorBody, 0, OtherScheme, "give the secret, whsec_…"},
		"another body":                  {[]Key{secret}, vectorHeader(vectorV1), `{"test": 1}`, 0, NoMatch, "the body"},
		"no body":                       {[]Key{secret}, vectorHeader(vectorV1), "", 0, NoMatch, "(the body is empty)"},
		"a newline behind the body":     {[]Key{secret}, vectorHeader(vectorV1), vectorBody + "\n", 0, BodyChanged, "it verifies without the newline at its end"},
		"the same, by ed25519":          {[]Key{public}, vectorHeader(vectorV1a), vectorBody + "\r\n", 0, BodyChanged, "without the newline"},
		"white space around the body":   {[]Key{secret}, vectorHeader(vectorV1), " " + vectorBody + "\t", 0, BodyChanged, "without the white space around it"},
		"a byte-order mark before it":   {[]Key{secret}, vectorHeader(vectorV1), "\ufeff" + vectorBody, 0, BodyChanged, "byte-order mark"},
		"a signature that can't be":     {[]Key{other}, vectorHeader(vectorV1 + " v1,%"), vectorBody, 0, NoMatch, "(1 of the signatures can't be read)"},
		"a signature of a wrong length": {[]Key{public}, vectorHeader("v1a,YWJj"), vectorBody, 0, NoMatch, "no signature fits"},
	} {
		problems := Verify(c.keys, c.header, []byte(c.body), vectorTime.Add(c.later), Tolerance)
		switch {
		case c.kind == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case c.kind != "" && (len(problems) != 1 || problems[0].Kind != c.kind || !strings.Contains(problems[0].Text, c.want)):
			t.Errorf("%s: %v, want %s, %q", name, problems, c.kind, c.want)
		}
	}
}

func TestWhatWasDoneToTheBodyIsFound(t *testing.T) {
	t.Parallel()
	key := parse(t, vectorSecret)
	for name, c := range map[string]struct{ sent, arrived, want string }{
		"formatted":     {`{"a":[1,2],"b":"x y"}`, "{\n  \"a\": [1, 2],\n  \"b\": \"x y\"\n}\n", "as JSON without white space"},
		"a lost end":    {"{}\n", "{}", "with a newline at its end"},
		"from Windows":  {"a\nb\n", "a\r\nb\r\n", "with \\n for each \\r\\n"},
		"from Windows?": {"a\r\nb\r\n", "a\nb\n", "with \\r\\n for each \\n"},
	} {
		problems := Verify([]Key{key}, vectorHeader(key.Sign(vectorID, vectorTimestamp, []byte(c.sent))), []byte(c.arrived), vectorTime, Tolerance)
		if len(problems) != 1 || problems[0].Kind != BodyChanged || !strings.Contains(problems[0].Text, c.want) {
			t.Errorf("%s: %v, want %q", name, problems, c.want)
		}
	}
}

func TestEveryThingThatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	other, err := Make(HMAC)
	if err != nil {
		t.Fatal(err)
	}
	problems := Verify([]Key{other}, vectorHeader(vectorV1), []byte(vectorBody), vectorTime.Add(time.Hour), Tolerance)
	if len(problems) != 2 || problems[0].Kind != TimeSkew || problems[1].Kind != NoMatch {
		t.Errorf("got %v", problems)
	}
	if problems := Verify([]Key{other}, http.Header{}, nil, vectorTime, Tolerance); len(problems) != 3 {
		t.Errorf("without headers: %v", problems)
	}
	if problems := Verify([]Key{parse(t, vectorSecret)}, vectorHeader(vectorV1), []byte(vectorBody), time.Now(), 0); problems != nil {
		t.Errorf("at any time: %v", problems)
	}
}

// What the reference signs is verified, and what it refuses is refused.
func TestVerifyIsOfTheReferencesOpinion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), minSecret, maxSecret).Draw(t, "secret")
		id, body := rapid.StringMatching(`msg_[a-zA-Z0-9]{1,20}`).Draw(t, "id"), rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		reference, err := standardwebhooks.NewWebhookRaw(raw)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, "now"), 0)
		made, err := reference.Sign(id, now, body)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "changed") {
			body = append(body, 'x')
		}
		header := http.Header{}
		header.Set(HeaderID, id)
		header.Set(HeaderTimestamp, fmt.Sprint(now.Unix()))
		header.Set(HeaderSignature, made)
		want := reference.VerifyIgnoringTimestamp(body, header) == nil
		if problems := Verify([]Key{{secret: raw}}, header, body, now, Tolerance); (problems == nil) != want {
			t.Errorf("%v, the reference: %t", problems, want)
		}
	})
}

func TestVerifyGatewaySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1670000005, 0)
	ping := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"trigger":{"event":"metadata","user":"1","session":0,"created":1670000000,"sent":1670000005,` +
			`"secret":"a7353045ef321ba02a4fb9ce525b0a90"},"item":{"ID":"12345","GID":1},"data":{}}`)
	}
	for name, c := range map[string]struct {
		secret, separator, body string
		later                   time.Duration
		kind                    Kind
		want                    string
	}{
		"the vector":              {"s3cr3t", "", ping(), 0, "", ""},
		"joined by a comma":       {"s3cr3t", ",", ping("a7353045ef321ba02a4fb9ce525b0a90", "16aa368bd44cb90c8fa20001e4ce0a87"), 0, "", ""},
		"an id that is a number":  {"s3cr3t", "", ping(`"12345"`, "12345"), 0, "", ""},
		"other data":              {"s3cr3t", "", ping(`"data":{}`, `"data":{"x":1}`), 0, "", ""},
		"another secret":          {"secret", "", ping(), 0, NoMatch, "the secret or the separator is another one"},
		"another item":            {"s3cr3t", "", ping("12345", "12346"), 0, NoMatch, "item.ID, trigger.created or trigger.sent was changed"},
		"another time":            {"s3cr3t", "", ping("1670000000", "1670000001"), 0, NoMatch, "trigger.created"},
		"a separator too much":    {"s3cr3t", ",", ping(), 0, WrongSeparator, `fits with the separator "", not ","`},
		"a separator that lacks":  {"s3cr3t", "", ping("a7353045ef321ba02a4fb9ce525b0a90", "16aa368bd44cb90c8fa20001e4ce0a87"), 0, WrongSeparator, `fits with the separator ",", not ""`},
		"capitals":                {"s3cr3t", "", ping("a7353045ef321ba02a4fb9ce525b0a90", "A7353045EF321BA02A4FB9CE525B0A90"), 0, BadBody, "not in lower case"},
		"too late":                {"s3cr3t", "", ping(), time.Hour, TimeSkew, "trigger.sent is 2022-12-02T16:53:25Z, 1h0m0s before"},
		"no secret":               {"s3cr3t", "", ping(`,"secret":"a7353045ef321ba02a4fb9ce525b0a90"`, ""), 0, BadBody, "the body has no trigger.secret (the endpoint has no gateway secret)"},
		"no item":                 {"s3cr3t", "", ping(`"ID":"12345",`, ""), 0, BadBody, "the body has no item.ID"},
		"a time with a fraction":  {"s3cr3t", "", ping("1670000005", "1670000005.5"), 0, BadBody, "not whole numbers"},
		"a notification, no ping": {"s3cr3t", "", `[1]`, 0, BadBody, "no ping of the gateway"},
		"no JSON":                 {"s3cr3t", "", ``, 0, BadBody, "no ping of the gateway"},
	} {
		problems := VerifyGateway(c.secret, c.separator, []byte(c.body), sent.Add(c.later), Tolerance)
		switch {
		case c.kind == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case c.kind != "" && (len(problems) != 1 || problems[0].Kind != c.kind || !strings.Contains(problems[0].Text, c.want)):
			t.Errorf("%s: %v, want %s, %q", name, problems, c.kind, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorV1, []byte(vectorBody))
	f.Add("", "x", "v1a,AAAA v1,", []byte(`{"trigger":{"secret":"","created":1,"sent":2},"item":{"ID":1}}`))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		key, err := Parse(vectorSecret)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {signature}}
		valid := id == vectorID && timestamp == "1614265330" && string(body) == vectorBody && strings.Contains(signature, vectorV1)
		problems := append(Verify([]Key{key}, header, body, vectorTime, Tolerance), VerifyGateway("hunter2", ",", body, vectorTime, Tolerance)...)
		if len(Verify([]Key{key}, header, body, vectorTime, Tolerance)) == 0 && !valid {
			t.Errorf("verified: %q %q %q %q", id, timestamp, signature, body)
		}
		for _, p := range problems {
			if strings.Contains(p.Text, "hunter2") && !strings.Contains(timestamp, "hunter2") {
				t.Errorf("it repeats the secret: %s", p.Text)
			}
		}
	})
}
