package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/signature"
)

// signing declares what requests are signed with.
func (s *settings) signing(flags *pflag.FlagSet) {
	sign := func(text string) error {
		key, err := signature.Make(signature.Scheme(text))
		if err != nil {
			return err
		}
		return s.signWith(key, true)
	}
	// Of this kind help shows it as --sign[=hmac]: its value is no word of its own.
	flags.Var(&setting{"boolfunc", sign, s}, "sign",
		"sign requests (Standard Webhooks) with a secret made now and shown once; --sign=ed25519 makes a key pair and shows the public key")
	flags.Lookup("sign").NoOptDefVal = string(signature.HMAC)
	s.flag(flags, "signing-secret", "sign requests with this `SECRET`, whsec_… or whsk_…; @FILE reads it from a file, '' signs no more",
		func(text string) error {
			if text == "" {
				s.update.Signing, s.draft.Signing = api.Default[[]api.SigningSecret](), nil
				return nil
			}
			key, err := s.app.signingKey(text)
			if err != nil {
				return err
			}
			return s.signWith(key, false)
		})
}

// onlyName wants the name of an endpoint alone. A scheme that was written as a
// word of its own after --sign is one too many.
func (s *settings) onlyName(cmd *cobra.Command, args []string) error {
	if s.made && len(args) > 1 {
		for _, scheme := range signature.Schemes() {
			if slices.Contains(args, string(scheme)) {
				return usageError{fmt.Errorf("%s takes no %q", cmd.CommandPath(), scheme), fmt.Sprintf("write --sign=%s", scheme)}
			}
		}
	}
	return exactly("NAME")(cmd, args)
}

// signingKey reads a key that signs. The error does not repeat it.
func (a *app) signingKey(text string) (signature.Key, error) {
	secret, err := a.secret(text)
	if err != nil {
		return signature.Key{}, err
	}
	return signature.ParseSigning(secret)
}

func (s *settings) signWith(key signature.Key, made bool) error {
	if s.signs {
		return errors.New("--sign makes a secret, --signing-secret takes one: give one of them, once")
	}
	s.signs, s.made, s.key = true, made, key
	s.update.Signing = api.Set([]api.SigningSecret{{Secret: key.Reveal()}})
	s.draft.Signing = []endpoint.SigningSecret{{Secret: key.Reveal()}}
	return nil
}

// mayBeginToSign refuses to put another secret at once in the place of those
// that receivers check with.
func (s *settings) mayBeginToSign(ctx context.Context, client *api.Client, name string) error {
	if !s.signs {
		return nil
	}
	meant, err := byName(
		func() (api.Endpoint, error) { return client.Endpoint(ctx, name, false) },
		func() ([]api.Endpoint, error) { return client.Group(ctx, name, false) },
	)
	if err != nil {
		return err
	}
	for _, ep := range meant.list {
		if len(ep.Signing) > 0 {
			return &api.Error{
				Code: api.CodeConflict, Message: "endpoint " + ep.Name + " signs already",
				Hint: fmt.Sprintf("'dz endpoint rotate-secret %s' gives it another secret, and lets the one before sign for a while", ep.Name),
			}
		}
	}
	return nil
}

// done prints what was done to endpoints, with what their receivers must be told
// to check signatures: a secret that was made is shown here and not again.
func (s *settings) done(out *render.Printer, m meant[api.Endpoint], verb string) error {
	if !s.signs {
		return m.done(out, endpointName, verb)
	}
	secret := ""
	if s.made {
		secret = s.key.Reveal()
	}
	for _, ep := range m.list {
		if s.made && s.key.Scheme() == signature.HMAC && len(ep.Signing) > 0 {
			ep.Signing[0].Secret = secret
		}
	}
	return m.done(out, endpointName, verb, toCheckWith(secret, s.key.Public())...)
}

// toCheckWith says what a receiver checks signatures with: of ed25519 the public
// key, else the secret, if there is one to be shown.
func toCheckWith(secret, public string) []render.Property {
	if public != "" {
		return []render.Property{{Label: "Public key", Value: public}}
	}
	return []render.Property{{Label: "Signing secret", Value: secret}}
}
