package deliver

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/deliver/http1"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// pool keeps one transport for all endpoints that connect alike, so that ten
// thousand endpoints share one, and closes it after the last of them and the
// last attempt on it. Beside it are the hosts of those that need none.
type pool struct {
	open       func(connectSettings) *http.Transport
	openHost   func(settings connectSettings, address string) *http1.Host
	goesDirect func(*target) bool
	userAgent  string

	mu         sync.RWMutex
	lines      map[uint64]*line // by endpoint
	transports map[transportKey]*sharedTransport
}

// connectSettings are what a transport is made of.
type connectSettings struct {
	connectTimeout time.Duration
	certificates   certificates
}

// transportKey tells transports apart: by the contents of certificate files,
// not by their names, so that a renewed file makes a new transport.
type transportKey struct {
	connectTimeout time.Duration
	certificates   [sha256.Size]byte
}

// sharedTransport drops its idle connections when nobody holds it any more, and
// not before: net/http puts a connection among the idle ones before it hands
// over the answer that came on it, so an answer may be lost with an idle
// connection.
type sharedTransport struct {
	key       transportKey
	transport *http.Transport
	hosts     map[string]*sharedHost // by address; guarded by the pool's mu
	users     int                    // endpoints; guarded by the pool's mu
	holds     atomic.Int64           // one of the pool's while there are users, and one of each attempt
}

// letGo gives up one hold.
func (s *sharedTransport) letGo() {
	if s.holds.Add(-1) == 0 {
		s.transport.CloseIdleConnections()
	}
}

// line is the way to an endpoint: its target, the transport that it uses, and
// the settings by which they were chosen. It does not change once made.
type line struct {
	chosenBy lineSettings
	target   *target
	shared   *sharedTransport
	direct   *sharedHost // that it uses as far as it can; nil if the transport has to carry everything
}

type lineSettings struct {
	guard          *guard // that let the target's address pass
	updated        int64  // of the endpoint; a change has its files read anew
	connectTimeout time.Duration
	files          certificateFiles
}

func lineSettingsOf(ep *endpoint.Endpoint, g *guard) lineSettings {
	return lineSettings{
		guard:          g,
		updated:        ep.Updated.UnixNano(),
		connectTimeout: ep.DialTimeout(),
		files:          certificateFiles{ca: ep.CAFile, cert: ep.ClientCert, key: ep.ClientKey},
	}
}

// get returns the way to the endpoint, for one attempt: it is followed by a
// letGo of the line's transport. The error says what is wrong with its
// URL, that the guard refuses the address in it, or which certificate file can't
// be used; the next call tries again.
func (p *pool) get(ep *endpoint.Endpoint, g *guard) (*line, error) {
	want := lineSettingsOf(ep, g)
	if current := p.hold(ep, want); current != nil {
		return current, nil
	}
	target, err := newTarget(ep, p.userAgent)
	if err != nil {
		return nil, err
	}
	// Behind a proxy nothing is dialled here; an address that the URL names
	// outright is refused all the same.
	if target.addr.IsValid() {
		if err := g.check(target.addr); err != nil {
			return nil, err
		}
	}
	loaded, err := want.files.load()
	if err != nil {
		return nil, err
	}
	return p.attach(ep.ID, &line{chosenBy: want, target: target}, connectSettings{want.connectTimeout, loaded}), nil
}

// hold returns the endpoint's line, held for one attempt, or nil if there is none
// that was chosen so.
func (p *pool) hold(ep *endpoint.Endpoint, want lineSettings) *line {
	p.mu.RLock()
	defer p.mu.RUnlock()
	current, ok := p.lines[ep.ID]
	if !ok || current.chosenBy != want || !current.target.of(ep) {
		return nil
	}
	current.shared.holds.Add(1) // the pool has its own hold as long as mu is locked
	return current
}

// attach puts the endpoint's new line on the transport of these settings, and
// holds it for one attempt.
func (p *pool) attach(id uint64, made *line, settings connectSettings) *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines == nil {
		p.lines = make(map[uint64]*line)
		p.transports = make(map[transportKey]*sharedTransport)
	}
	key := transportKey{settings.connectTimeout, settings.certificates.digest}
	shared, ok := p.transports[key]
	if !ok {
		shared = &sharedTransport{key: key, transport: p.open(settings), hosts: make(map[string]*sharedHost)}
		shared.holds.Add(1)
		p.transports[key] = shared
	}
	shared.users++
	shared.holds.Add(1)
	made.shared = shared
	if p.goesDirect(made.target) {
		made.direct = p.host(shared, settings, address(made.target))
	}
	if old, ok := p.lines[id]; ok {
		p.release(old)
	}
	p.lines[id] = made
	return made
}

// forget takes the endpoint off its transport.
func (p *pool) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.lines[id]; ok {
		delete(p.lines, id)
		p.release(old)
	}
}

// release gives a line's host and transport up after their last user. Requests
// under way on them end undisturbed.
func (p *pool) release(old *line) {
	shared := old.shared
	if old.direct != nil {
		p.releaseHost(shared, old.direct)
	}
	shared.users--
	if shared.users == 0 {
		delete(p.transports, shared.key)
		shared.letGo()
	}
}

// clear takes every endpoint off its transport.
func (p *pool) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, shared := range p.transports {
		for _, host := range shared.hosts {
			host.Close()
		}
		shared.letGo()
	}
	p.lines, p.transports = nil, nil
}
