package signature

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The vectors of the specification's libraries, and of its example header, which
// Svix's implementation gives the key of.
const (
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTimestamp = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorV1        = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorPrivate   = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	vectorPublic    = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	vectorV1a       = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

func parse(t *testing.T, text string) Key {
	t.Helper()
	key, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]string{vectorSecret: vectorV1, vectorPrivate: vectorV1a} {
		key := parse(t, secret)
		if got := key.Sign(vectorID, vectorTimestamp, []byte(vectorBody)); got != want {
			t.Errorf("%s: signature %s, want %s", key, got, want)
		}
		if got := key.Reveal(); got != secret {
			t.Errorf("revealed as %s, want %s", got, secret)
		}
	}
	if got := parse(t, vectorPrivate).Public(); got != vectorPublic {
		t.Errorf("public key %s, want %s", got, vectorPublic)
	}
}

func TestASeedAloneIsThatPrivateKey(t *testing.T) {
	t.Parallel()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorPrivate, "whsk_"))
	if err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if got := parse(t, "whsk_"+encoding.EncodeToString(raw[:ed25519.SeedSize])).Reveal(); got != vectorPrivate {
			t.Errorf("revealed as %s, want %s", got, vectorPrivate)
		}
	}
}

func TestWhatIsSignedTheReferenceVerifies(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, body := range []string{"", "{}", "über\x00\n", strings.Repeat("x", 1<<20)} {
		key, err := Make(HMAC)
		if err != nil {
			t.Fatal(err)
		}
		reference, err := standardwebhooks.NewWebhook(key.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		header.Set(HeaderID, "msg_1")
		header.Set(HeaderTimestamp, fmt.Sprint(now.Unix()))
		header.Set(HeaderSignature, key.Sign("msg_1", now.Unix(), []byte(body)))
		if err := reference.Verify([]byte(body), header); err != nil {
			t.Errorf("%d bytes: %v", len(body), err)
		}
		if err := reference.Verify([]byte(body+" "), header); err == nil {
			t.Errorf("%d bytes: verified after a change", len(body))
		}
	}
}

func TestMadeKeysDiffer(t *testing.T) {
	t.Parallel()
	for _, scheme := range Schemes() {
		one, err := Make(scheme)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Make(scheme)
		if err != nil {
			t.Fatal(err)
		}
		if one.Reveal() == two.Reveal() || one.Scheme() != scheme || !one.CanSign() {
			t.Errorf("%s: made %v and %v", scheme, one, two)
		}
		if parse(t, one.Reveal()).Reveal() != one.Reveal() {
			t.Errorf("%s: a key that was made is read as another one", scheme)
		}
	}
	if _, err := Make("md5"); err == nil || !strings.Contains(err.Error(), `unknown signature scheme "md5" (schemes: hmac, ed25519)`) {
		t.Errorf("got %v", err)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	bytes := func(n int) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("hunter2!", 16)[:n]))
	}
	for text, want := range map[string]string{
		"":                          "it does not begin with whsec_ (a secret), whsk_ (a private key) or whpk_ (a public key)",
		"hunter2":                   "it does not begin with whsec_",
		bytes(32):                   "it does not begin with whsec_",
		"WHSEC_" + bytes(32):        "it does not begin with whsec_",
		" whsec_" + bytes(32):       "it does not begin with whsec_",
		"whsec" + bytes(32):         "it does not begin with whsec_",
		"whsec_hunter2!":            "what follows whsec_ is not base64",
		"whsec_" + bytes(24)[:3]:    "it holds 2 bytes: a whsec_ secret has 24 to 64",
		"whsec_" + bytes(32) + "\n": "what follows whsec_ is not base64",
		"whsec_":                    "it holds 0 bytes: a whsec_ secret has 24 to 64",
		"whsec_" + bytes(23):        "it holds 23 bytes: a whsec_ secret has 24 to 64",
		"whsec_" + bytes(65):        "it holds 65 bytes: a whsec_ secret has 24 to 64",
		"whsk_" + bytes(31):         "it holds 31 bytes: a whsk_ key has 64, the private and the public key, or 32",
		"whsk_" + bytes(64):         "its second half is not the public key of its first",
		"whpk_" + bytes(33):         "it holds 33 bytes: a whpk_ key has 32",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
			continue
		}
		if encoded := strings.TrimPrefix(text, "whsec_"); len(encoded) > 6 && strings.Contains(err.Error(), encoded) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
	for _, n := range []int{24, 64} {
		if _, err := Parse("whsec_" + bytes(n)); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := ParseSigning(vectorPublic); err == nil || !strings.Contains(err.Error(), "it is a public key") {
		t.Errorf("a public key is to sign: %v", err)
	}
}

func TestAKeyThatIsPrintedShowsNothing(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{vectorSecret, vectorPrivate} {
		key := parse(t, secret)
		shown := fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, []Key{key})
		if strings.Contains(shown, secret[6:20]) || !strings.HasPrefix(shown, "a key of ") {
			t.Errorf("printed as %s", shown)
		}
	}
}

func FuzzParseNeverRepeatsWhatItReads(f *testing.F) {
	for _, seed := range []string{vectorSecret, vectorPrivate, vectorPublic, "whsec_", "whsk_x", ""} {
		f.Add(seed, "")
		f.Add(seed[:min(len(seed), 9)], seed[min(len(seed), 9):])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if key, err := Parse(before + after); err == nil {
			if again, err := Parse(key.Reveal()); err != nil || again.Reveal() != key.Reveal() {
				t.Errorf("%q: revealed, it is read as another one: %v", before+after, err)
			}
		}
		if _, err := Parse(before + "hunter2" + after); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats it: %v", err)
		}
	})
}
