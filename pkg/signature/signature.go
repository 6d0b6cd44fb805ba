// Package signature owns how a receiver can tell that a request came from dz and
// arrived unchanged: the signatures of Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md),
// and the md5 form of the nexxOMNIA Notification Gateway. It makes them, checks
// them, and says what is wrong with those that do not fit.
//
// It is pure: it keeps nothing, and time comes in as data. No error of it
// repeats a secret, and a Key that is printed shows none.
package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The headers of Standard Webhooks, as net/http writes them.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Scheme is a way of signing.
type Scheme string

// The schemes of Standard Webhooks.
const (
	HMAC    Scheme = "hmac"    // HMAC-SHA256 with a secret that both sides know: "v1"
	Ed25519 Scheme = "ed25519" // signed with a private key, checked with its public one: "v1a"
)

// Schemes returns all of them, the usual one first.
func Schemes() []Scheme { return []Scheme{HMAC, Ed25519} }

// What a key begins with, by what it is.
const (
	prefixSecret  = "whsec_" // of both sides, for HMAC
	prefixPrivate = "whsk_"  // of the sender, for ed25519
	prefixPublic  = "whpk_"  // of the receiver, for ed25519
)

// What a signature begins with.
const (
	versionHMAC    = "v1"
	versionEd25519 = "v1a"
)

// The lengths of a whsec_ secret that the specification allows, in bytes, and
// the one of those that dz makes.
const (
	minSecret  = 24
	maxSecret  = 64
	makeSecret = 32
)

// Key signs, checks, or both. Its zero value is none.
type Key struct {
	secret  []byte             // of HMAC
	private ed25519.PrivateKey // nil: it can only check
	public  ed25519.PublicKey
}

// Parse reads a key as it is handed around: whsec_, whsk_ or whpk_ and base64.
// The specification leaves open what a whsk_ holds; as the implementations have
// it, that is the 32 bytes of the private key and the 32 of the public one. The
// first 32 alone will do as well.
func Parse(text string) (Key, error) {
	prefix, encoded, _ := strings.Cut(text, "_")
	prefix += "_"
	switch prefix {
	case prefixSecret, prefixPrivate, prefixPublic:
	default:
		return Key{}, fmt.Errorf("it does not begin with %s (a secret), %s (a private key) or %s (a public key)",
			prefixSecret, prefixPrivate, prefixPublic)
	}
	raw, err := decode(encoded)
	if err != nil {
		return Key{}, fmt.Errorf("what follows %s is not base64", prefix)
	}
	switch prefix {
	case prefixSecret:
		if len(raw) < minSecret || len(raw) > maxSecret {
			return Key{}, fmt.Errorf("it holds %d bytes: a %s secret has %d to %d", len(raw), prefixSecret, minSecret, maxSecret)
		}
		return Key{secret: raw}, nil
	case prefixPrivate:
		return parsePrivate(raw)
	default:
		if len(raw) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("it holds %d bytes: a %s key has %d", len(raw), prefixPublic, ed25519.PublicKeySize)
		}
		return Key{public: raw}, nil
	}
}

func parsePrivate(raw []byte) (Key, error) {
	if len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return Key{}, fmt.Errorf("it holds %d bytes: a %s key has %d, the private and the public key, or %d, the private one",
			len(raw), prefixPrivate, ed25519.PrivateKeySize, ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !private.Equal(ed25519.PrivateKey(raw)) {
		return Key{}, errors.New("its second half is not the public key of its first")
	}
	return newPrivate(private), nil
}

func newPrivate(private ed25519.PrivateKey) Key {
	return Key{private: private, public: ed25519.PublicKey(private[ed25519.SeedSize:])}
}

// ParseSigning reads a key that can sign.
func ParseSigning(text string) (Key, error) {
	key, err := Parse(text)
	if err == nil && !key.CanSign() {
		return Key{}, fmt.Errorf("it is a public key, which can only check: signing takes a %s secret or a %s key",
			prefixSecret, prefixPrivate)
	}
	return key, err
}

// decode reads base64 as the specification has it, with or without its padding.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("a newline in it") // which the decoder passes over
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// Make makes a new key that can sign.
func Make(scheme Scheme) (Key, error) {
	switch scheme {
	case HMAC:
		secret := make([]byte, makeSecret)
		if _, err := rand.Read(secret); err != nil {
			return Key{}, fmt.Errorf("make secret: %w", err)
		}
		return Key{secret: secret}, nil
	case Ed25519:
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return Key{}, fmt.Errorf("make key: %w", err)
		}
		return newPrivate(private), nil
	default:
		return Key{}, fmt.Errorf("unknown signature scheme %q (schemes: %s, %s)", scheme, HMAC, Ed25519)
	}
}

// Scheme returns what the key is for.
func (k Key) Scheme() Scheme {
	if k.secret != nil {
		return HMAC
	}
	return Ed25519
}

// CanSign reports whether the key can sign, and not only check.
func (k Key) CanSign() bool { return k.secret != nil || k.private != nil }

// Reveal returns the key as it is handed around, with what is secret in it.
func (k Key) Reveal() string {
	switch {
	case k.secret != nil:
		return prefixSecret + base64.StdEncoding.EncodeToString(k.secret)
	case k.private != nil:
		return prefixPrivate + base64.StdEncoding.EncodeToString(k.private)
	default:
		return k.Public()
	}
}

// Public returns the key that receivers check with; "" for one of HMAC, where
// they need the secret itself.
func (k Key) Public() string {
	if k.public == nil {
		return ""
	}
	return prefixPublic + base64.StdEncoding.EncodeToString(k.public)
}

// String shows nothing secret.
func (k Key) String() string { return "a key of " + string(k.Scheme()) }

// GoString shows nothing secret.
func (k Key) GoString() string { return k.String() }

// Sign returns the signature of a message: its webhook-id, its webhook-timestamp
// in Unix seconds, and its body. The key must be one that can sign.
func (k Key) Sign(id string, timestamp int64, body []byte) string {
	return string(k.AppendSignature(nil, id, timestamp, body))
}

// AppendSignature appends what Sign returns.
func (k Key) AppendSignature(buf []byte, id string, timestamp int64, body []byte) []byte {
	if k.secret != nil {
		return k.appendHMAC(buf, signed(id, strconv.FormatInt(timestamp, 10)), body)
	}
	// ed25519 reads its message twice, so it must be in one piece.
	message := append(signed(id, strconv.FormatInt(timestamp, 10)), body...)
	buf = append(buf, versionEd25519+","...)
	return base64.StdEncoding.AppendEncode(buf, ed25519.Sign(k.private, message))
}

func (k Key) appendHMAC(buf, head, body []byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(head)
	mac.Write(body)
	var sum [sha256.Size]byte
	buf = append(buf, versionHMAC+","...)
	return base64.StdEncoding.AppendEncode(buf, mac.Sum(sum[:0]))
}

// signed returns what is signed before the body.
func signed(id, timestamp string) []byte {
	head := make([]byte, 0, len(id)+len(timestamp)+2)
	head = append(append(head, id...), '.')
	return append(append(head, timestamp...), '.')
}
