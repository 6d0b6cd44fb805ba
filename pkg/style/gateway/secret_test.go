package gateway

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
)

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The vectors of the design, through a whole ping.
func TestTheSecretIsTheGateways(t *testing.T) {
	t.Parallel()
	d := owed(t, decode(t, `{"id":"1","source":"s","type":"metadata","time":"2022-12-02T16:53:20Z","data":{"itemId":12345}}`))
	for options, want := range map[string]string{
		`{"gatewaySecret":"s3cr3t"}`:                        "a7353045ef321ba02a4fb9ce525b0a90",
		`{"gatewaySecret":"s3cr3t","secretSeparator":","}`:  "16aa368bd44cb90c8fa20001e4ce0a87",
		`{"secretSeparator":","}`:                           "",
		`{"gatewaySecret":""}`:                              "",
		`{"gatewaySecret":"s3cr3t","secretSeparator":"||"}`: md5Of("12345||1670000000||1670000005||s3cr3t"),
	} {
		got, err := New(catalogue.Empty{}).Compose(t.Context(), endpointWith(t, options), []debt.Debt{d}, time.Unix(1_670_000_005, 0))
		if err != nil {
			t.Fatal(err)
		}
		var told struct {
			Trigger map[string]json.RawMessage `json:"trigger"`
		}
		if err := json.Unmarshal(got.Request.Body, &told); err != nil {
			t.Fatal(err)
		}
		secret, present := told.Trigger["secret"]
		if present != (want != "") || present && string(secret) != `"`+want+`"` {
			t.Errorf("%s: secret %s, present %v; want %q", options, secret, present, want)
		}
		if bytes.Contains(got.Request.Body, []byte("s3cr3t")) {
			t.Errorf("%s: the ping holds the secret itself: %s", options, got.Request.Body)
		}
	}
}

// Attempts at one generation have one id, and each a secret of its own.
func TestEveryAttemptHasItsOwnSecret(t *testing.T) {
	t.Parallel()
	d := owed(t, decode(t, `{"id":"1","source":"s","type":"metadata","data":{"itemId":12345}}`))
	ep := endpointWith(t, `{"gatewaySecret":"s3cr3t"}`)
	first, err := New(catalogue.Empty{}).Compose(t.Context(), ep, []debt.Debt{d}, sent)
	if err != nil {
		t.Fatal(err)
	}
	second, err := New(catalogue.Empty{}).Compose(t.Context(), ep, []debt.Debt{d}, sent.Add(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		`"sent":1669990012`, `"sent":1669990017`,
		md5Of("1234516699900011669990012s3cr3t"), md5Of("1234516699900011669990017s3cr3t"),
	).Replace(string(first.Request.Body))
	if first.Request.ID != second.Request.ID || string(second.Request.Body) != want {
		t.Errorf("first %s, then %s", first.Request.Body, second.Request.Body)
	}
}

// receivers check pings as their own people would write it: they read a ping a
// line, and print what is wrong, and in the end how many were right. Their
// arguments are the secret and the separator.
var receivers = map[string][]string{
	"php": {"-r", `
$right = 0;
while (($line = fgets(STDIN)) !== false) {
    $ping = json_decode($line, TRUE);
    $parts = [$ping["item"]["ID"], $ping["trigger"]["created"], $ping["trigger"]["sent"], $argv[1]];
    if (!is_string($ping["item"]["ID"]) || !is_int($ping["item"]["GID"]) || !is_array($ping["data"])) { echo "types: ", $line; }
    else if (md5(implode($argv[2], $parts)) === $ping["trigger"]["secret"]) { $right++; }
    else { echo "secret: ", $line; }
}
echo $right, " right\n";
`, "--"},
	"python3": {"-c", `
import hashlib, json, sys
right = 0
for line in sys.stdin.buffer:
    ping = json.loads(line)
    trigger, item = ping["trigger"], ping["item"]
    parts = [item["ID"], str(trigger["created"]), str(trigger["sent"]), sys.argv[1]]
    if type(item["ID"]) is not str or type(item["GID"]) is not int or type(ping["data"]) is not dict:
        print("types:", line)
    elif hashlib.md5(sys.argv[2].join(parts).encode()).hexdigest() == trigger["secret"]:
        right += 1
    else:
        print("secret:", line)
print(right, "right")
`},
}

// A hundred pings are checked by programs that share nothing with dz.
func TestReceiversInOtherLanguagesAgree(t *testing.T) {
	t.Parallel()
	const pings, secret = 100, "pä$$ wörd"
	for _, separator := range []string{"", ",", " | "} {
		options, err := json.Marshal(map[string]string{"gatewaySecret": secret, "secretSeparator": separator})
		if err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		random := rand.New(rand.NewPCG(1, 2))
		for n := range pings {
			item := fmt.Sprint(random.Int64())
			if n%3 == 0 {
				item = fmt.Sprintf(`"Ü-%d/%s"`, n, strings.Repeat("x", n))
			}
			at := time.Unix(random.Int64N(4_000_000_000), 0).UTC().Format(time.RFC3339)
			lines.WriteString(pingOf(t, catalogue.Empty{}, string(options),
				fmt.Sprintf(`{"id":"1","source":"s","type":"thumb","time":%q,"data":{"itemId":%s,"baseId":%d}}`, at, item, n)) + "\n")
		}
		t.Run("joined by "+separator, func(t *testing.T) {
			t.Parallel()
			found := false
			for program, args := range receivers {
				path, err := exec.LookPath(program)
				if err != nil {
					continue
				}
				found = true
				receiver := exec.CommandContext(t.Context(), path, append(slices.Clip(args), secret, separator)...)
				receiver.Stdin = bytes.NewReader(lines.Bytes())
				out, err := receiver.CombinedOutput()
				if want := fmt.Sprintf("%d right\n", pings); err != nil || string(out) != want {
					t.Errorf("%s: %v: %s", program, err, out)
				}
			}
			if !found {
				t.Skip("needs php or python3")
			}
		})
	}
}
