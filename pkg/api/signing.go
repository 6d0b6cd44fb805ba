package api

import (
	"context"
	"net/http"
	"time"
)

// SigningSecret is what an endpoint's requests are signed with (Standard
// Webhooks).
type SigningSecret struct {
	Secret    string     `json:"secret" doc:"whsec_… or whsk_…"`
	Scheme    string     `json:"scheme,omitempty" enum:"hmac,ed25519" doc:"follows from the secret"`
	PublicKey string     `json:"publicKey,omitempty" doc:"of ed25519: what a receiver checks with"`
	Expires   *time.Time `json:"expires" doc:"it signs until then; null: for ever"`
}

// SecretRotation gives an endpoint another signing secret. Without Secret the
// daemon makes one, of Scheme or, without that, of the scheme of the one before.
type SecretRotation struct {
	Secret string `json:"secret,omitempty" doc:"whsec_… or whsk_…"`
	Scheme string `json:"scheme,omitempty" enum:"hmac,ed25519"`
	// Keep is how long the secrets before go on signing beside the new one, "0"
	// for not at all; "" is DefaultKeep.
	Keep string `json:"keep,omitempty" doc:"such as 24h; 0: the old secret ends at once"`
}

// DefaultKeep is how long a secret goes on signing that is rotated away, if the
// rotation does not say.
const DefaultKeep = 24 * time.Hour

// RotatedSecret is what a rotation came to. It is the one answer that tells the
// new secret without being asked for it.
type RotatedSecret struct {
	Name            string     `json:"name" doc:"of the endpoint"`
	Secret          string     `json:"secret"`
	Scheme          string     `json:"scheme" enum:"hmac,ed25519"`
	PublicKey       string     `json:"publicKey,omitempty"`
	PreviousExpires *time.Time `json:"previousExpires" doc:"until then the secret before signs too; null: it does no more"`
}

// RotateSecret gives an endpoint another signing secret. An endpoint that does
// not sign is a conflict.
func (c *Client) RotateSecret(ctx context.Context, name string, rotation SecretRotation) (RotatedSecret, error) {
	return call[RotatedSecret](ctx, c, http.MethodPost, route("endpoints", name, "rotate-secret"), nil, rotation)
}
