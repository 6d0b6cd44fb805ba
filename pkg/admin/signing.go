package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// maxKeep bounds how long a secret that was rotated away may go on signing.
const maxKeep = 30 * 24 * time.Hour

// viewSigning shows what an endpoint signs with. shown is its Signing as it is
// to be shown, masked or not.
func viewSigning(stored, shown []endpoint.SigningSecret) []api.SigningSecret {
	list := make([]api.SigningSecret, len(stored))
	for i, s := range stored {
		list[i] = api.SigningSecret{Secret: shown[i].Secret}
		if !s.Expires.IsZero() {
			list[i].Expires = &s.Expires
		}
		// An endpoint is validated before it is stored.
		if key, err := signature.ParseSigning(s.Secret); err == nil {
			list[i].Scheme, list[i].PublicKey = string(key.Scheme()), key.Public()
		}
	}
	return list
}

// sentSigning is a signing secret as it is sent. What follows from the secret is
// let pass, so that what is shown can be sent back.
type sentSigning struct {
	Secret    string  `json:"secret"`
	Expires   *string `json:"expires"`
	Scheme    any     `json:"scheme"`
	PublicKey any     `json:"publicKey"`
}

// setSigning replaces the list, and takes what is masked in it from what is
// stored. No error repeats what was sent.
func setSigning(ep *endpoint.Endpoint, raw json.RawMessage) error {
	var sent []sentSigning
	if err := set(raw, "signing", &sent); err != nil {
		return err
	}
	var list []endpoint.SigningSecret
	for i, s := range sent {
		secret := endpoint.SigningSecret{Secret: s.Secret}
		if s.Expires != nil {
			var err error
			if secret.Expires, err = time.Parse(time.RFC3339, *s.Expires); err != nil {
				return invalid("write a time such as 2026-11-21T10:00:00Z", "signing secret %d expires at no time", i+1)
			}
		}
		list = append(list, secret)
	}
	unmasked, err := endpoint.UnmaskSigning(list, ep.Signing)
	if err != nil {
		return invalid("write it out", "%s", err)
	}
	ep.Signing = nil
	if len(unmasked) > 0 {
		ep.Signing = unmasked
	}
	return nil
}

type rotateInput struct {
	Name    string `path:"name"`
	RawBody []byte `contentType:"application/json"`
}

func (s *Server) rotateSecret(ctx context.Context, in *rotateInput) (api.RotatedSecret, error) {
	asked, err := decodeBody[api.SecretRotation](in.RawBody)
	if err != nil {
		return api.RotatedSecret{}, err
	}
	rotation := Rotation{Scheme: signature.Scheme(asked.Scheme), Keep: api.DefaultKeep}
	if asked.Keep != "" {
		keep, err := timespan.Parse(asked.Keep)
		if err != nil || keep < 0 || keep.Std() > maxKeep {
			return api.RotatedSecret{}, invalid("", "keep is not a time from 0 to %s", timespan.Span(maxKeep))
		}
		rotation.Keep = keep.Std()
	}
	if asked.Secret != "" {
		if rotation.Key, err = signature.ParseSigning(asked.Secret); err != nil {
			return api.RotatedSecret{}, invalid("", "the new secret can't be used: %s", err)
		}
		if asked.Scheme != "" && rotation.Scheme != rotation.Key.Scheme() {
			return api.RotatedSecret{}, invalid("leave the scheme out", "the new secret is one of %s", rotation.Key.Scheme())
		}
	}
	state, err := s.service.RotateSecret(ctx, in.Name, rotation)
	if err != nil {
		return api.RotatedSecret{}, err
	}
	return rotatedView(state.Endpoint), nil
}

func rotatedView(ep endpoint.Endpoint) api.RotatedSecret {
	list := viewSigning(ep.Signing, ep.Signing)
	rotated := api.RotatedSecret{
		Name: ep.Name, Secret: list[0].Secret, Scheme: list[0].Scheme, PublicKey: list[0].PublicKey,
	}
	if len(list) > 1 {
		rotated.PreviousExpires = list[1].Expires
	}
	return rotated
}
