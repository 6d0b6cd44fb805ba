package managed

import (
	"fmt"
	"slices"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// judgement is what an endpoint is to be told of an asset, as it is shown.
type judgement struct {
	action style.Action
	why    attempt.Reason // of Nothing
	sent   []byte         // of an asset that is there
	digest tracking.Digest
	print  uint64 // of what is sent
	blind  bool   // nothing is known of the asset but its ids: there is nothing to compare
	text   string // why the filter could not be applied, if so
}

// sift says what an endpoint is to be told of an asset, without comparing it with
// what is tracked of it: an asset that may be unchanged is an update.
func (s *settings) sift(shown *catalogue.Answer, known *tracking.Asset) (judgement, error) {
	if shown.Err != nil {
		return judgement{}, shown.Err
	}
	gone := func(why attempt.Reason, text string) judgement {
		if known != nil {
			return judgement{action: style.Delete, text: text}
		}
		return judgement{action: style.Nothing, why: why, text: text}
	}
	a := &shown.Asset
	if a.Deleted {
		return gone(attempt.Untracked, ""), nil
	}
	wanted, err := s.wants(a, known)
	switch {
	case err != nil && known != nil:
		return judgement{}, fmt.Errorf("asset %s: %w, and dz can't say whether to delete it: %w", a.ID, style.ErrFilter, err)
	case err != nil:
		return gone(attempt.Filtered, err.Error()), nil
	case !wanted:
		return gone(attempt.Filtered, ""), nil
	}
	if known == nil {
		return judgement{action: style.Create, blind: a.Data == nil}, nil
	}
	return judgement{action: style.Update, blind: a.Data == nil}, nil
}

// judge compares an asset as it is shown with what is tracked of it.
func (s *settings) judge(shown *catalogue.Answer, known *tracking.Asset) (judgement, error) {
	j, err := s.sift(shown, known)
	if err != nil || j.action == style.Nothing || j.action == style.Delete {
		return j, err
	}
	a := &shown.Asset
	sent, err := s.projection.Asset(a.Data, a.ID, a.ItemID)
	if err != nil {
		return judgement{}, fmt.Errorf("asset %s: %w", a.ID, err)
	}
	j.sent, j.print = sent, s.projection.Print(sent)
	if j.digest, err = s.digest(&j, known); err != nil {
		return judgement{}, fmt.Errorf("asset %s: %w", a.ID, err)
	}
	if known != nil && known.Digest == j.digest {
		j.action = style.Unchanged
	}
	return j, nil
}

// digest is that of what is sent. Mostly it is what was acknowledged last, byte for byte:
// then it is known, as what was acknowledged was valid.
func (s *settings) digest(j *judgement, known *tracking.Asset) (tracking.Digest, error) {
	if known != nil && known.Print != 0 && known.Print == j.print {
		return known.Digest, nil
	}
	return s.projection.Hash(j.sent)
}

// wants applies the filter. An asset that nothing is known of can't be judged: it
// stays what it is.
func (s *settings) wants(a *catalogue.Asset, known *tracking.Asset) (bool, error) {
	switch {
	case s.filter == nil:
		return true, nil
	case a.Data == nil:
		return known != nil, nil
	}
	return s.filter.Match(a.Data)
}

// relevant reports whether a change of a tracked asset matters to the endpoint,
// and if not, why not.
func (s *settings) relevant(n note, j *judgement) (bool, attempt.Reason) {
	switch {
	case s.always, n.whatever, n.manyFields, s.concernsField(n, j), s.concernsFormat(n):
		return true, ""
	case n.unnamed && j.action == style.Unchanged && !j.blind:
		return false, attempt.Unchanged
	case n.unnamed:
		return true, ""
	default:
		return false, attempt.Irrelevant
	}
}

func (s *settings) concernsField(n note, j *judgement) bool {
	return slices.ContainsFunc(n.fields, func(field string) bool { return s.isShown(field, j.sent) })
}

// isShown reports whether the endpoint is shown the field: what is sent of the
// asset may know it by another of its names than the endpoint's settings do.
func (s *settings) isShown(field string, sent []byte) bool {
	return s.projection.Asked(field) || s.projection.Standard(sent, field) || s.projection.Holds(sent, field)
}

func (s *settings) concernsFormat(n note) bool {
	if len(s.formats) == 0 {
		return false
	}
	if n.anyFormat {
		return true
	}
	for _, format := range n.formats {
		// DAMs write numbers both ways.
		for _, wanted := range s.formats {
			if wanted.String() == format.String() {
				return true
			}
		}
	}
	return false
}

// Sift says what the endpoint is to be told of an asset that may be unchanged.
func (s Style) Sift(ep *endpoint.Endpoint, shown catalogue.Answer, known *tracking.Asset) (style.Action, error) {
	set, err := s.settings.of(ep)
	if err != nil {
		return style.Nothing, err
	}
	j, err := set.sift(&shown, known)
	return j.acted(&shown.Asset, err)
}

// Judge says what the endpoint is to be told of an asset.
func (s Style) Judge(ep *endpoint.Endpoint, shown catalogue.Answer, known *tracking.Asset) (style.Action, error) {
	set, err := s.settings.of(ep)
	if err != nil {
		return style.Nothing, err
	}
	j, err := set.judge(&shown, known)
	return j.acted(&shown.Asset, err)
}

// acted is what a synchronisation is told: also of an asset that is not tracked,
// that the filter can't be applied to it. A change of it is skipped, and says so in
// its own way.
func (j *judgement) acted(a *catalogue.Asset, err error) (style.Action, error) {
	if err == nil && j.text != "" {
		err = fmt.Errorf("asset %s: %w: %s", a.ID, style.ErrFilter, j.text)
	}
	return j.action, err
}
