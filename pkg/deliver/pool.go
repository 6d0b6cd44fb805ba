package deliver

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// pool keeps one transport for all endpoints that connect alike, so that ten
// thousand endpoints share one, and closes it after the last of them.
type pool struct {
	open      func(connectSettings) *http.Transport
	userAgent string

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

type sharedTransport struct {
	key       transportKey
	transport *http.Transport
	users     int
}

// line is the way to an endpoint: its target, the transport that it uses, and
// the settings by which they were chosen. It does not change once made.
type line struct {
	chosenBy lineSettings
	target   *target
	shared   *sharedTransport
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

// get returns the way to the endpoint. The error says what is wrong with its
// URL, that the guard refuses the address in it, or which certificate file can't
// be used; the next call tries again.
func (p *pool) get(ep *endpoint.Endpoint, g *guard) (*line, error) {
	want := lineSettingsOf(ep, g)
	p.mu.RLock()
	current, ok := p.lines[ep.ID]
	p.mu.RUnlock()
	if ok && current.chosenBy == want && current.target.of(ep) {
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

// attach puts the endpoint's new line on the transport of these settings.
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
		shared = &sharedTransport{key: key, transport: p.open(settings)}
		p.transports[key] = shared
	}
	shared.users++
	if old, ok := p.lines[id]; ok {
		p.release(old.shared)
	}
	made.shared = shared
	p.lines[id] = made
	return made
}

// forget takes the endpoint off its transport.
func (p *pool) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.lines[id]; ok {
		delete(p.lines, id)
		p.release(old.shared)
	}
}

// release closes a transport after its last user. Requests under way on it end
// undisturbed.
func (p *pool) release(shared *sharedTransport) {
	shared.users--
	if shared.users == 0 {
		delete(p.transports, shared.key)
		shared.transport.CloseIdleConnections()
	}
}

// clear takes every endpoint off its transport.
func (p *pool) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, shared := range p.transports {
		shared.transport.CloseIdleConnections()
	}
	p.lines, p.transports = nil, nil
}
