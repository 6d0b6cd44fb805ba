package signature

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ping is what of a gateway's ping its secret is made of.
type ping struct {
	Trigger struct {
		Created json.Number `json:"created"`
		Sent    json.Number `json:"sent"`
		Secret  *string     `json:"secret"`
	} `json:"trigger"`
	Item struct {
		ID any `json:"ID"`
	} `json:"item"`
}

// separators are those that are tried where the given one does not fit.
var separators = []string{"", ",", ";", "|", ":", "-", "_", ".", "/", "+", " ", "\n", ", "}

// VerifyGateway checks the md5 form of the nexxOMNIA Notification Gateway: the
// ping's trigger.secret, and, with trigger.sent, its time. It covers the item's
// id and the two times, and nothing else of the ping.
func VerifyGateway(secret, separator string, body []byte, now time.Time, tolerance time.Duration) []Problem {
	p, problems := readPing(body)
	if len(problems) > 0 {
		return problems
	}
	sent, err := p.Trigger.Sent.Int64()
	created, createdErr := p.Trigger.Created.Int64()
	if err != nil || createdErr != nil {
		return []Problem{{BadBody, "trigger.created and trigger.sent are not whole numbers of seconds since 1970"}}
	}
	if text := skew(time.Unix(sent, 0), now, tolerance); text != "" {
		problems = append(problems, Problem{TimeSkew, "trigger.sent is " + text})
	}
	itemID := fmt.Sprint(p.Item.ID)
	fits := func(separator string) bool {
		made := GatewaySecret(itemID, created, sent, secret, separator)
		return hmac.Equal([]byte(made), []byte(strings.ToLower(*p.Trigger.Secret)))
	}
	if fits(separator) {
		if made := GatewaySecret(itemID, created, sent, secret, separator); made != *p.Trigger.Secret {
			problems = append(problems, Problem{BadBody, "trigger.secret is not in lower case"})
		}
		return problems
	}
	for _, other := range separators {
		if other != separator && fits(other) {
			return append(problems, Problem{WrongSeparator, fmt.Sprintf("trigger.secret fits with the separator %q, not %q", other, separator)})
		}
	}
	return append(problems, Problem{
		NoMatch, "trigger.secret does not fit: the secret or the separator is another one, or item.ID, trigger.created or trigger.sent was changed on the way",
	})
}

func readPing(body []byte) (p ping, problems []Problem) {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber() // an id goes out as it came in
	if err := decoder.Decode(&p); err != nil {
		return p, []Problem{{BadBody, "the body is no ping of the gateway: no JSON object with trigger and item"}}
	}
	for _, member := range []struct {
		name  string
		there bool
	}{
		{"trigger.secret (the endpoint has no gateway secret)", p.Trigger.Secret != nil},
		{"trigger.created", p.Trigger.Created != ""},
		{"trigger.sent", p.Trigger.Sent != ""},
		{"item.ID", p.Item.ID != nil},
	} {
		if !member.there {
			problems = append(problems, Problem{BadBody, "the body has no " + member.name})
		}
	}
	return p, problems
}
