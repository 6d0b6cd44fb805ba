package rest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

const (
	// renewAt is when a token is renewed, in parts of its life.
	renewAt = 0.9
	// refusedFor is how long a refused login is not tried again: a DAM may lock
	// an account after a few.
	refusedFor = time.Minute
	// maxSessions bounds the tokens that are kept: one for each user and language
	// in use.
	maxSessions = 1000
)

// identity is whose token it is.
type identity struct{ user, language string }

// session holds one token. Who has taken turn may change it.
type session struct {
	turn chan struct{} // holds one element while somebody changes the session

	mu    sync.Mutex
	token string
	renew time.Time // zero: never

	refusal      error // of the last login
	refusedUntil time.Time
}

// sessions are those in use. The zero value has none.
type sessions struct {
	mu  sync.Mutex
	all map[identity]*session
}

// of returns the session of an identity; any other makes room for it.
func (s *sessions) of(who identity) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.all[who]; ok {
		return found
	}
	if s.all == nil {
		s.all = make(map[identity]*session)
	}
	for other := range s.all {
		if len(s.all) < maxSessions {
			break
		}
		delete(s.all, other)
	}
	made := &session{turn: make(chan struct{}, 1)}
	s.all[who] = made
	return made
}

// tokens returns the tokens that are kept, to be masked.
func (s *sessions) tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tokens []string
	for _, each := range s.all {
		each.mu.Lock()
		tokens = append(tokens, each.token)
		each.mu.Unlock()
	}
	return tokens
}

// current returns the token if it may be used at now, or else "".
func (s *session) current(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.renew.IsZero() && !now.Before(s.renew) {
		return ""
	}
	return s.token
}

func (s *session) set(token string, renew time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.renew = token, renew
}

// grantOf returns how a view's token is got, and whose it is; nil if there is no
// need to get one.
func (c *Catalogue) grantOf(v catalogue.View) (*grant, identity) {
	g := c.api.auth.login
	if v.User != "" {
		g = c.api.auth.impersonate
	}
	who := identity{user: v.User}
	if g != nil && g.perLanguage {
		who.language = v.Language
	}
	return g, who
}

// token returns the token of a view, "" if requests need none. Several callers
// wait for one login.
func (c *Catalogue) token(ctx context.Context, v catalogue.View) (string, error) {
	g, who := c.grantOf(v)
	if g == nil {
		return c.config.Token, nil
	}
	s := c.sessions.of(who)
	if token := s.current(c.config.Now()); token != "" {
		return token, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now := c.config.Now()
	if token := s.current(now); token != "" {
		return token, nil // somebody got one meanwhile
	}
	if s.refusal != nil && now.Before(s.refusedUntil) {
		return "", s.refusal
	}
	token, renew, err := c.obtain(ctx, g, v)
	s.refusal = nil
	if errors.Is(err, catalogue.ErrRefused) {
		s.refusal, s.refusedUntil = err, c.config.Now().Add(refusedFor)
	}
	if err != nil {
		return "", err
	}
	s.set(token, renew)
	return token, nil
}

// dropToken gives a view's token up, unless it has been renewed already. It
// reports whether another one can be had.
func (c *Catalogue) dropToken(v catalogue.View, token string) bool {
	g, who := c.grantOf(v)
	if g == nil {
		return false
	}
	s := c.sessions.of(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
	return true
}

// obtain gets a token for a view. Answers are not quoted in errors: they hold
// tokens.
func (c *Catalogue) obtain(ctx context.Context, g *grant, v catalogue.View) (token string, renew time.Time, err error) {
	o := order{request: g.request, view: v}
	if g.unauthenticated {
		o.values = scope{"username": c.config.Username, "password": c.config.Password}
	} else {
		// It is asked for in the catalogue's own name; whom it is for is a value.
		o.view = catalogue.View{Language: v.Language}
		o.values = scope{"user": v.User}
	}
	a, err := c.call(ctx, o)
	if err != nil {
		return "", renew, err
	}
	if err := c.checkStatus(g.name, a); err != nil {
		return "", renew, err
	}
	content, err := parse(a.body)
	if err != nil {
		return "", renew, c.refused("%s: the answer is no JSON", g.name)
	}
	values := c.viewValues(v)
	if g.take != nil {
		if content, err = g.take.run(ctx, content, values); err != nil {
			return "", renew, c.refused("%s can't read the answer", g.take.name)
		}
	}
	found, err := g.token.run(ctx, content, values)
	token, ok := found.(string)
	if err != nil || !ok || token == "" {
		return "", renew, c.refused("%s finds no token in the answer", g.token.name)
	}
	if g.expires == nil {
		return token, renew, nil
	}
	expires, err := g.expires.run(ctx, content, values)
	if err != nil {
		return "", renew, c.refused("%s can't read the answer", g.expires.name)
	}
	renew, err = renewal(expires, c.config.Now())
	if err != nil {
		return "", renew, c.refused("%s: %s", g.expires.name, err)
	}
	return token, renew, nil
}

// renewal returns when a token that is given at now is due to be renewed; zero
// if that can't be told, as when it expires in the past because clocks differ.
func renewal(expires any, now time.Time) (time.Time, error) {
	const sinceEpoch = 1e9 // larger numbers are times
	var life time.Duration
	switch value := expires.(type) {
	case nil:
		return time.Time{}, nil
	case string:
		at, err := parseTime(value)
		if err != nil {
			return time.Time{}, errors.New("it yields a text that is no time")
		}
		life = at.Sub(now)
	default:
		seconds, ok := number(value)
		if !ok {
			return time.Time{}, errors.New("it yields neither a time nor a number of seconds")
		}
		if seconds > sinceEpoch {
			seconds -= float64(now.Unix())
		}
		life = time.Duration(min(seconds, sinceEpoch) * float64(time.Second))
	}
	if life <= 0 {
		return time.Time{}, nil
	}
	return now.Add(time.Duration(renewAt * float64(life))), nil
}

// number returns a number of jq's.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int:
		return float64(value), true
	case float64:
		return value, true
	case json.Number:
		n, err := value.Float64()
		return n, err == nil
	default:
		return 0, false
	}
}
