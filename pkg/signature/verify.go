package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a request's timestamp may be from the receiver's clock, as
// the specification's libraries have it.
const Tolerance = 5 * time.Minute

// Kind is a kind of thing that can be wrong with a request.
type Kind string

// The kinds.
const (
	MissingHeader  Kind = "missing-header"
	BadHeader      Kind = "bad-header"
	TimeSkew       Kind = "time-skew"
	OtherScheme    Kind = "other-scheme"    // signed, but not in a way that the secret is for
	BodyChanged    Kind = "body-changed"    // it fits to what the body was before a change that can be told
	WrongSeparator Kind = "wrong-separator" // of the gateway's form
	NoMatch        Kind = "no-match"        // another secret, or a change that can't be told
	BadBody        Kind = "bad-body"        // it is no ping of the gateway
)

// Problem is one thing that is wrong with a request, in words for people. It
// holds no secret.
type Problem struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

// Verify checks a request by Standard Webhooks, with all keys that it may be
// signed with, at now; tolerance 0 lets any time pass. It returns what is wrong
// with it; nothing: the body is what somebody with one of the keys sent.
func Verify(keys []Key, header http.Header, body []byte, now time.Time, tolerance time.Duration) []Problem {
	var problems []Problem
	tell := func(kind Kind, format string, args ...any) {
		problems = append(problems, Problem{kind, fmt.Sprintf(format, args...)})
	}
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		if header.Get(name) == "" {
			tell(MissingHeader, "header %s is missing", strings.ToLower(name))
		}
	}
	if len(problems) > 0 {
		return problems
	}
	timestamp := header.Get(HeaderTimestamp)
	if seconds, err := strconv.ParseInt(timestamp, 10, 64); err != nil {
		tell(BadHeader, "header webhook-timestamp is %.40q, no whole number of seconds since 1970", timestamp)
		return problems
	} else if text := skew(time.Unix(seconds, 0), now, tolerance); text != "" {
		tell(TimeSkew, "header webhook-timestamp is %s", text)
	}
	m := message{head: signed(header.Get(HeaderID), timestamp), body: body}
	if problem := m.check(keys, header.Get(HeaderSignature)); problem != nil {
		problems = append(problems, *problem)
	}
	return problems
}

// skew says how far a request's time is from now, "" if that is near enough.
func skew(sent, now time.Time, tolerance time.Duration) string {
	off, side := now.Sub(sent).Round(time.Second), "before"
	if off < 0 {
		off, side = -off, "after"
	}
	if tolerance == 0 || off <= tolerance {
		return ""
	}
	return fmt.Sprintf("%s, %s %s the time of the check; %s is allowed: it was sent long ago, or a clock is wrong",
		sent.UTC().Format(time.RFC3339), off, side, tolerance)
}

// message is what was signed.
type message struct{ head, body []byte }

// given is one signature of a header.
type given struct {
	scheme Scheme
	raw    []byte
}

// check looks for a signature of one of the keys.
func (m message) check(keys []Key, header string) *Problem {
	signatures, bad := parseSignatures(header)
	if m.signedBy(keys, signatures) {
		return nil
	}
	fits := false
	for _, s := range signatures {
		for _, key := range keys {
			fits = fits || s.scheme == key.Scheme()
		}
	}
	switch {
	case len(signatures) == 0:
		return &Problem{BadHeader, "header webhook-signature holds no signature such as v1,… or v1a,… in base64"}
	case !fits:
		return &Problem{OtherScheme, "it is signed with " + schemes(signatures) + ", for which this is no key: " + hint(signatures[0].scheme)}
	}
	for _, before := range variants(m.body) {
		if (message{m.head, before.body}).signedBy(keys, signatures) {
			return &Problem{BodyChanged, "the body was changed: it verifies " + before.how}
		}
	}
	text := "no signature fits: the secret is another one, or the body, webhook-id or webhook-timestamp was changed on the way"
	if len(m.body) == 0 {
		text += " (the body is empty)"
	}
	if bad > 0 {
		text += fmt.Sprintf(" (%d of the signatures can't be read)", bad)
	}
	return &Problem{NoMatch, text}
}

func (m message) signedBy(keys []Key, signatures []given) bool {
	for _, key := range keys {
		for _, s := range signatures {
			if s.scheme == key.Scheme() && m.fits(key, s.raw) {
				return true
			}
		}
	}
	return false
}

// fits compares in constant time.
func (m message) fits(key Key, signature []byte) bool {
	if key.secret != nil {
		made := key.appendHMAC(nil, m.head, m.body)
		given := base64.StdEncoding.AppendEncode([]byte(versionHMAC+","), signature)
		return hmac.Equal(made, given)
	}
	return len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(key.public, append(bytes.Clone(m.head), m.body...), signature)
}

// parseSignatures reads a header, and counts what in it is no signature. Versions
// that are not known are passed over, as the specification wants.
func parseSignatures(header string) (signatures []given, bad int) {
	for part := range strings.FieldsSeq(header) {
		version, encoded, _ := strings.Cut(part, ",")
		scheme, known := map[string]Scheme{versionHMAC: HMAC, versionEd25519: Ed25519}[version]
		raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !known || err != nil || len(raw) == 0 {
			bad++
			continue
		}
		signatures = append(signatures, given{scheme, raw})
	}
	return signatures, bad
}

func schemes(signatures []given) string {
	names := make([]string, 0, len(signatures))
	seen := make(map[Scheme]bool)
	for _, s := range signatures {
		if !seen[s.scheme] {
			seen[s.scheme] = true
			names = append(names, string(s.scheme))
		}
	}
	return strings.Join(names, " and ")
}

func hint(s Scheme) string {
	if s == Ed25519 {
		return "give the public key, " + prefixPublic + "…"
	}
	return "give the secret, " + prefixSecret + "…"
}

// variant is a body as it may have been before it was changed.
type variant struct {
	how  string
	body []byte
}

// variants returns what is usually done to a body that is captured or passed on.
func variants(body []byte) []variant {
	var compact bytes.Buffer
	list := []variant{
		{"without the newline at its end", bytes.TrimRight(body, "\r\n")},
		{"without the white space around it", bytes.TrimSpace(body)},
		{"with a newline at its end", append(bytes.Clone(body), '\n')},
		{"with \\n for each \\r\\n", bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))},
		{"with \\r\\n for each \\n", bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))},
		{"without the byte-order mark before it", bytes.TrimPrefix(body, []byte("\ufeff"))},
	}
	if json.Compact(&compact, body) == nil {
		list = append(list, variant{"as JSON without white space: it was formatted", compact.Bytes()})
	}
	return list
}
