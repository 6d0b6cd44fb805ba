package cmd

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
)

// declareListen declares what a receiver checks signatures with.
func (o *verifyOptions) declareListen(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(textFlag{"SECRET", o.secret}, "secret", "check signatures of Standard Webhooks with this `SECRET` (whsec_…) or public key (whpk_…), repeatable; @FILE reads it from a file")
	flags.Var(textFlag{"SECRET", o.gatewaySecret}, "gateway-secret", "check the secret in pings of style gateway with this `SECRET`; @FILE reads it from a file")
	flags.StringVar(&o.separator, "secret-separator", "", "`TEXT` that joins the parts of the gateway's secret (default none)")
}

// checkListen reports what does not go together.
func (o *verifyOptions) checkListen() error {
	switch {
	case len(o.keys) > 0 && o.gateway != "":
		return usagef("give --secret (Standard Webhooks) or --gateway-secret (style gateway), not both")
	case o.separator != "" && o.gateway == "":
		return usagef("--secret-separator belongs to --gateway-secret")
	default:
		return nil
	}
}

// receiver returns what checks a request that has come; nil if there is nothing to
// check with.
func (o *verifyOptions) receiver() func(http.Header, []byte, time.Time) error {
	if len(o.keys) == 0 && o.gateway == "" {
		return nil
	}
	return func(header http.Header, body []byte, now time.Time) error {
		result := o.verify(header, body, now)
		if result.Verified {
			return nil
		}
		return errors.New(strings.Join(texts(result), "; "))
	}
}

// sign has an endpoint sign with what its receiver checks with.
func (o *verifyOptions) sign(update *api.EndpointUpdate) error {
	if o.gateway != "" {
		update.Options = map[string]any{"gatewaySecret": o.gateway}
		if o.separator != "" {
			update.Options["secretSeparator"] = o.separator
		}
	}
	if len(o.keys) == 0 {
		return nil
	}
	for _, key := range o.keys {
		if key.CanSign() {
			update.Signing = api.Set([]api.SigningSecret{{Secret: key.Reveal()}})
			return nil
		}
	}
	return usagef("--secret: a public key only checks: with --register give one that signs, whsec_… or whsk_…")
}
