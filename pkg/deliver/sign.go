package deliver

import (
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// signingKeys reads what an endpoint signs with, in its order; nil for nothing.
// The error does not repeat a secret.
func signingKeys(secrets []endpoint.SigningSecret) ([]signature.Key, error) {
	var keys []signature.Key
	for i, s := range secrets {
		key, err := signature.ParseSigning(s.Secret)
		if err != nil {
			return nil, fmt.Errorf("the endpoint's signing secret %d can't be used: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// sign returns the webhook-signature of a request: a signature by each secret
// that is live at now, separated by spaces. now is that of webhook-timestamp,
// which is signed too.
func (t *target) sign(r attempt.Request, now time.Time) string {
	var header []byte
	for i, key := range t.keys {
		if !t.signing[i].Live(now) {
			continue
		}
		if len(header) > 0 {
			header = append(header, ' ')
		}
		header = key.AppendSignature(header, r.ID, now.Unix(), r.Body)
	}
	return string(header)
}
