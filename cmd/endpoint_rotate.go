package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func newEndpointRotateCommand(a *app) *cobra.Command {
	var (
		rotation api.SecretRotation
		keep     = timespan.Span(api.DefaultKeep)
		secret   string
		yes      bool
	)
	cmd := &cobra.Command{
		Use:   "rotate-secret NAME",
		Short: "Sign with another secret, and with the one before for a while",
		Long: `Give an endpoint another signing secret and show it, once. Until --keep is over,
requests carry two signatures, by the new secret and by the one before, so that a
receiver can go over from one to the other at any time in between. --keep 0 ends
the one before at once.

Of ed25519 the public key is shown, which is what the receiver needs.`,
		Example: `  dz endpoint rotate-secret shop
  dz endpoint rotate-secret shop --keep 168h --yes -o json | jq -r .secret
  dz endpoint rotate-secret shop --scheme ed25519
  dz endpoint rotate-secret shop --signing-secret @/run/secrets/shop`,
		Args: exactly("NAME"),
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if keep < 0 {
				return usagef("--keep: %s is negative", keep)
			}
			rotation.Keep = keep.String()
			if secret != "" {
				key, err := a.signingKey(secret)
				if err != nil {
					return usagef("--signing-secret: %w", err)
				}
				rotation.Secret = key.Reveal()
			}
			return a.mustAsk(&yes)(cmd, args)
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			if !yes {
				if err := s.confirm(ctx, rotationQuestion(args[0], keep)); err != nil {
					return err
				}
			}
			rotated, err := s.client.RotateSecret(ctx, args[0], rotation)
			if err != nil {
				return err
			}
			sentence := "endpoint " + rotated.Name + " signs with a new secret"
			if rotated.PreviousExpires != nil {
				sentence += fmt.Sprintf("; the one before signs beside it for %s", keep)
			}
			shown := rotated.Secret
			if rotation.Secret != "" {
				shown = "" // who gave it has it
			}
			return s.out.ResultWith(rotated, rotated.Name, sentence, toCheckWith(shown, rotated.PublicKey))
		}),
		ValidArgsFunction: a.endpointNames,
	}
	flags := cmd.Flags()
	flags.Var(&keep, "keep", "`TIME` that the secret before goes on signing")
	flags.StringVar(&rotation.Scheme, "scheme", "", "make a secret of this `SCHEME`: hmac or ed25519 (default: that of the one before)")
	flags.StringVar(&secret, "signing-secret", "", "take this `SECRET`, whsec_… or whsk_…, or the one in @FILE, instead of making one")
	yesFlag(cmd, &yes)
	flags.SortFlags = false
	complete(cmd, "scheme", []string{string(signature.HMAC), string(signature.Ed25519)})
	return cmd
}

// rotationQuestion says until when receivers must know the new secret.
func rotationQuestion(name string, keep timespan.Span) string {
	if keep == 0 {
		return "rotate the signing secret of endpoint " + name + "? receivers that don't know the new one refuse what is sent from now on"
	}
	return fmt.Sprintf("rotate the signing secret of endpoint %s? receivers must know the new one within %s", name, keep)
}
