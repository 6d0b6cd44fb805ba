package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/signature"
)

// maxSigning is how many secrets an endpoint may sign with at a time: each makes
// the header of every request longer.
const maxSigning = 8

// SigningSecret is what requests are signed with (Standard Webhooks).
type SigningSecret struct {
	Secret  string    `json:"secret"`           // whsec_… or whsk_…
	Expires time.Time `json:"expires,omitzero"` // from then on it signs no more; zero: never
}

// Live reports whether the secret signs at now.
func (s SigningSecret) Live(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// RotateSigning signs with secret from now on. The secrets before go on signing
// beside it until keep is over, if they don't expire earlier; none if keep is 0.
// It replaces the list and does not write into it.
func (e *Endpoint) RotateSigning(secret string, keep time.Duration, now time.Time) {
	rotated := []SigningSecret{{Secret: secret}}
	ends := now.Add(keep)
	for _, old := range e.Signing {
		if old.Expires.IsZero() || old.Expires.After(ends) {
			old.Expires = ends
		}
		if old.Live(now) && old.Secret != secret {
			rotated = append(rotated, old)
		}
	}
	e.Signing = rotated
}

// DropExpired forgets secrets that sign no more. It replaces the list and does
// not write into it.
func (e *Endpoint) DropExpired(now time.Time) {
	expired := func(s SigningSecret) bool { return !s.Live(now) }
	if slices.ContainsFunc(e.Signing, expired) {
		e.Signing = slices.DeleteFunc(slices.Clone(e.Signing), expired)
	}
}

// checkSigning names a secret by its place in the list and never repeats it.
func checkSigning(secrets []SigningSecret) error {
	if len(secrets) > maxSigning {
		return fmt.Errorf("%d signing secrets are more than %d: let old ones expire first", len(secrets), maxSigning)
	}
	var errs []error
	lasting := len(secrets) == 0
	places := make(map[string]int)
	for i, s := range secrets {
		lasting = lasting || s.Expires.IsZero()
		key, err := signature.ParseSigning(s.Secret)
		if err != nil {
			errs = append(errs, fmt.Errorf("signing secret %d can't be used: %w", i+1, err))
			continue
		}
		if first, twice := places[key.Reveal()]; twice {
			errs = append(errs, fmt.Errorf("signing secret %d is that of %d again", i+1, first))
			continue
		}
		places[key.Reveal()] = i + 1
	}
	if !lasting {
		errs = append(errs, errors.New("every signing secret expires: give one that does not"))
	}
	return errors.Join(errs...)
}

// maskSigning returns the list without its secrets.
func maskSigning(secrets []SigningSecret) []SigningSecret {
	if secrets == nil {
		return nil
	}
	masked := make([]SigningSecret, len(secrets))
	for i, s := range secrets {
		masked[i] = SigningSecret{Secret: Masked, Expires: s.Expires}
	}
	return masked
}

// UnmaskSigning returns the list with what is masked in it taken from the stored
// one, so that it can be sent back as it was shown: a mask stands for the stored
// secret that expires at that time; of several such, the first mask for the
// first. The error names a mask for which none is stored.
func UnmaskSigning(secrets, stored []SigningSecret) ([]SigningSecret, error) {
	taken := make([]bool, len(stored))
	unmasked := make([]SigningSecret, 0, len(secrets))
	for i, s := range secrets {
		if s.Secret == Masked {
			place := -1
			for j, old := range stored {
				if !taken[j] && old.Expires.Equal(s.Expires) {
					place = j
					break
				}
			}
			if place < 0 {
				return nil, fmt.Errorf("signing secret %d is %s, which stands for a stored one that expires at that time, and none is stored",
					i+1, Masked)
			}
			taken[place] = true
			s = stored[place]
		}
		unmasked = append(unmasked, s)
	}
	return unmasked, nil
}
