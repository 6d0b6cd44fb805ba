package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/signature"
)

func TestARotationTellsTheNewSecretAndWhenTheOldOneEnds(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	if _, err := server.CreateEndpoint(ctx, newSecretShop()); err != nil {
		t.Fatal(err)
	}
	rotated, err := server.RotateSecret(ctx, "shop", api.SecretRotation{Keep: "2h"})
	if err != nil {
		t.Fatal(err)
	}
	if rotated.PreviousExpires == nil || !rotated.PreviousExpires.Equal(fakeNow.Add(2*time.Hour)) || rotated.Scheme != "hmac" {
		t.Errorf("%+v", rotated)
	}
	revealed, err := server.Endpoint(ctx, "shop", true)
	if err != nil {
		t.Fatal(err)
	}
	if len(revealed.Signing) != 2 || revealed.Signing[0].Secret != rotated.Secret || revealed.Signing[1].Secret != signingSecret {
		t.Errorf("it signs with %v after %v", revealed.Signing, rotated)
	}
	shown, err := server.Endpoint(ctx, "shop", false)
	if err != nil {
		t.Fatal(err)
	}
	if shown.Signing[0].Secret != "***" || shown.Signing[1].Secret != "***" || !shown.Signing[1].Expires.Equal(*rotated.PreviousExpires) {
		t.Errorf("shown as %v", shown.Signing)
	}
	rotated, err = server.RotateSecret(ctx, "shop", api.SecretRotation{Scheme: "ed25519", Keep: "0"})
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ParseSigning(rotated.Secret)
	if err != nil || key.Public() != rotated.PublicKey || rotated.PreviousExpires != nil {
		t.Errorf("%+v, %v", rotated, err)
	}
	if shown, err = server.Endpoint(ctx, "shop", false); err != nil || len(shown.Signing) != 1 || shown.Signing[0].PublicKey != key.Public() {
		t.Errorf("shown as %v, %v", shown.Signing, err)
	}
}

func TestWithoutATimeTheOldSecretIsKeptForADay(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	if _, err := server.CreateEndpoint(ctx, newSecretShop()); err != nil {
		t.Fatal(err)
	}
	rotated, err := server.RotateSecret(ctx, "shop", api.SecretRotation{})
	if err != nil || rotated.PreviousExpires == nil || !rotated.PreviousExpires.Equal(fakeNow.Add(24*time.Hour)) {
		t.Errorf("%+v, %v", rotated, err)
	}
}

func TestWhatCanNotBeRotatedToIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	if _, err := server.CreateEndpoint(ctx, newSecretShop()); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"secret":"` + secret + `"}`:                            "the new secret can't be used: it does not begin with whsec_",
		`{"secret":"` + signingSecret[:20] + `"}`:                "a whsec_ secret has 24 to 64",
		`{"secret":"` + signingSecret + `","scheme":"ed25519"}`:  "the new secret is one of hmac",
		`{"secret":["` + signingSecret + `"]}`:                   "member secret is a JSON array where a string is due",
		`{"secretts":"` + signingSecret + `"}`:                   `unknown member \"secretts\"`,
		`{"keep":"` + secret + `"}`:                              "keep is not a time from 0 to 720h",
		`{"keep":"-1s"}`:                                         "keep is not a time",
		`{"keep":"721h"}`:                                        "keep is not a time",
		`{"scheme":"md5"}`:                                       `unknown signature scheme \"md5\"`,
		`{"secret":"` + strings.Repeat(signingSecret, 10) + `"}`: "can't be used",
	} {
		got := server.raw(t, "POST", "/api/v1/endpoints/shop/rotate-secret", "application/json", body)
		if got.status != 422 && got.status != 400 || !strings.Contains(got.body, want) || holdsSecret(got.body) {
			t.Errorf("%s: %d %s, want %q", body, got.status, got.body, want)
		}
	}
	if log := fmt.Sprint(server.log.String()); holdsSecret(log) {
		t.Errorf("the log repeats a secret: %s", log)
	}
}
