package daemon

import (
	"context"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// RotateSecret gives an endpoint another signing secret.
func (s *service) RotateSecret(ctx context.Context, name string, rotation admin.Rotation) (admin.EndpointState, error) {
	now, key := s.now(), rotation.Key
	updated, err := s.registry.update(ctx, name, now, false, func(ep *endpoint.Endpoint) (err error) {
		if len(ep.Signing) == 0 {
			return &api.Error{
				Code: api.CodeConflict, Message: "endpoint " + ep.Name + " does not sign",
				Hint: "'dz endpoint update " + ep.Name + " --sign' makes its first secret",
			}
		}
		if !key.CanSign() {
			if key, err = newKey(rotation.Scheme, ep.Signing[0]); err != nil {
				return err
			}
		}
		ep.RotateSigning(key.Reveal(), rotation.Keep, now)
		return nil
	})
	if err != nil {
		return admin.EndpointState{}, s.noEndpoint(name, err)
	}
	return s.state(updated), nil
}

// newKey makes a key of the scheme, or, without one, of that of the key before.
func newKey(scheme signature.Scheme, before endpoint.SigningSecret) (signature.Key, error) {
	if scheme == "" {
		old, err := signature.ParseSigning(before.Secret)
		if err != nil {
			return signature.Key{}, err
		}
		scheme = old.Scheme()
	}
	key, err := signature.Make(scheme)
	if err != nil {
		return signature.Key{}, invalid(err)
	}
	return key, nil
}
