package deliver

import (
	"context"
	"net"

	"github.com/dam-delivery/dz/pkg/deliver/http1"
)

// sharedHost has the connections of plain HTTP/1.1 to one address, for the
// endpoints on one transport. They are closed after the last of them, and those
// under way with their attempts.
type sharedHost struct {
	*http1.Host
	address string
	users   int // guarded by the pool's mu
}

// newHost makes a host that is connected to as a transport of these settings
// would.
func (s *Sender) newHost(settings connectSettings, address string) *http1.Host {
	dial := s.dialer(settings.connectTimeout)
	return http1.NewHost(http1.Settings{
		Dial:        func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", address) },
		MaxIdle:     maxIdle,
		IdleTimeout: idleTimeout,
		MaxHeader:   maxAnswerHeader,
	})
}

// goesDirect reports whether the target's requests may go over http1: there is
// no proxy between. The environment, which says so, is read once.
func (s *Sender) goesDirect(t *target) bool {
	if t.head == nil {
		return false
	}
	proxy, err := s.config.Proxy(t.blank)
	return err == nil && proxy == nil
}

// host returns the transport's host for an address, which one more endpoint
// uses.
func (p *pool) host(shared *sharedTransport, settings connectSettings, address string) *sharedHost {
	h, ok := shared.hosts[address]
	if !ok {
		h = &sharedHost{Host: p.openHost(settings, address), address: address}
		shared.hosts[address] = h
	}
	h.users++
	return h
}

// releaseHost gives a host up after its last user.
func (p *pool) releaseHost(shared *sharedTransport, h *sharedHost) {
	h.users--
	if h.users == 0 {
		delete(shared.hosts, h.address)
		h.Close()
	}
}
