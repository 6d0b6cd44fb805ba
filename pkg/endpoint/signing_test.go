package endpoint

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/signature"
)

// The secrets of the tests, and the time at which they begin.
var (
	secretA = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 24)))
	secretB = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", 64)))
	secretC = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	rotated = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
)

func TestRotatingKeepsTheOldSecretsForAWhile(t *testing.T) {
	t.Parallel()
	var ep Endpoint
	ep.RotateSigning(secretA, 24*time.Hour, rotated)
	want := []SigningSecret{{Secret: secretA}}
	if diff := cmp.Diff(want, ep.Signing); diff != "" {
		t.Errorf("the first secret (-want +got):\n%s", diff)
	}
	before := ep.Signing
	ep.RotateSigning(secretB, 24*time.Hour, rotated)
	day := rotated.Add(24 * time.Hour)
	want = []SigningSecret{{Secret: secretB}, {Secret: secretA, Expires: day}}
	if diff := cmp.Diff(want, ep.Signing); diff != "" || !before[0].Expires.IsZero() {
		t.Errorf("the second secret (-want +got):\n%s, the list before became %v", diff, before)
	}
	ep.RotateSigning(secretC, time.Hour, rotated.Add(23*time.Hour+time.Minute))
	want = []SigningSecret{{Secret: secretC}, {Secret: secretB, Expires: day.Add(time.Minute)}, {Secret: secretA, Expires: day}}
	if diff := cmp.Diff(want, ep.Signing); diff != "" {
		t.Errorf("a third one: what expires earlier still does (-want +got):\n%s", diff)
	}
	ep.RotateSigning(secretA, time.Hour, day)
	want = []SigningSecret{{Secret: secretA}, {Secret: secretC, Expires: day.Add(time.Hour)}, {Secret: secretB, Expires: day.Add(time.Minute)}}
	if diff := cmp.Diff(want, ep.Signing); diff != "" {
		t.Errorf("one that was there, and has expired (-want +got):\n%s", diff)
	}
	ep.RotateSigning(secretB, 0, day)
	if diff := cmp.Diff([]SigningSecret{{Secret: secretB}}, ep.Signing); diff != "" {
		t.Errorf("without keeping any (-want +got):\n%s", diff)
	}
}

func TestASecretSignsUntilItExpires(t *testing.T) {
	t.Parallel()
	s := SigningSecret{Secret: secretA, Expires: rotated}
	if !s.Live(rotated.Add(-1)) || s.Live(rotated) || !(SigningSecret{Secret: secretA}).Live(rotated) {
		t.Error("it does not")
	}
}

func TestExpiredSecretsAreForgotten(t *testing.T) {
	t.Parallel()
	list := []SigningSecret{{Secret: secretA}, {Secret: secretB, Expires: rotated}, {Secret: secretC, Expires: rotated.Add(1)}}
	ep := Endpoint{Signing: list}
	ep.DropExpired(rotated)
	if diff := cmp.Diff([]SigningSecret{{Secret: secretA}, {Secret: secretC, Expires: rotated.Add(1)}}, ep.Signing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if list[1].Secret != secretB {
		t.Errorf("the list before became %v", list)
	}
}

func TestValidateSigning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signing []SigningSecret
		want    string // "" for none
	}{
		{nil, ""},
		{[]SigningSecret{{Secret: secretA}}, ""},
		{[]SigningSecret{{Secret: secretA}, {Secret: secretB, Expires: rotated}, {Secret: secretC}}, ""},
		{[]SigningSecret{{}}, "signing secret 1 can't be used: it does not begin with whsec_"},
		{[]SigningSecret{{Secret: secretA}, {Secret: secretB[6:]}}, "signing secret 2 can't be used: it does not begin with whsec_"},
		{[]SigningSecret{{Secret: secretA[:20]}}, "signing secret 1 can't be used: it holds 10 bytes: a whsec_ secret has 24 to 64"},
		{[]SigningSecret{{Secret: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}}, "signing secret 1 can't be used: it is a public key"},
		{[]SigningSecret{{Secret: secretB}, {Secret: secretA}, {Secret: strings.TrimRight(secretB, "=")}}, "signing secret 3 is that of 1 again"},
		{[]SigningSecret{{Secret: secretB, Expires: rotated}}, "every signing secret expires"},
		{make([]SigningSecret, 9), "9 signing secrets are more than 8"},
	} {
		ep := valid()
		ep.Signing = c.signing
		err := ep.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		for _, s := range c.signing {
			if err != nil && len(s.Secret) > 10 && strings.Contains(err.Error(), s.Secret[6:]) {
				t.Errorf("the error repeats a secret: %v", err)
			}
		}
	}
}

func TestWhatIsShownOfSigningCanBeSentBack(t *testing.T) {
	t.Parallel()
	stored := []SigningSecret{{Secret: secretA}, {Secret: secretB, Expires: rotated}, {Secret: secretC}}
	ep := Endpoint{Signing: stored}
	shown := ep.Redacted().Signing
	for _, s := range shown {
		if s.Secret != Masked {
			t.Errorf("shown: %v", shown)
		}
	}
	back, err := UnmaskSigning(shown, stored)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored, back); diff != "" {
		t.Errorf("sent back as shown (-want +got):\n%s", diff)
	}
	made, err := signature.Make(signature.HMAC)
	if err != nil {
		t.Fatal(err)
	}
	back, err = UnmaskSigning([]SigningSecret{{Secret: made.Reveal()}, shown[1]}, stored)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]SigningSecret{{Secret: made.Reveal()}, stored[1]}, back); diff != "" {
		t.Errorf("a new one beside the one that expires (-want +got):\n%s", diff)
	}
	for _, signing := range [][]SigningSecret{
		{{Secret: Masked, Expires: rotated.Add(1)}},
		{shown[0], shown[0], shown[0]},
	} {
		if got, err := UnmaskSigning(signing, stored); err == nil || !strings.Contains(err.Error(), "none is stored") {
			t.Errorf("%v became %v, %v", signing, got, err)
		}
	}
}
