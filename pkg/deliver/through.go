package deliver

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Transport carries requests that are no attempts, such as those to the DAM,
// through the same guard, proxy and dialler as attempts. It may be used by
// several goroutines at a time.
type Transport struct {
	sender   *Sender
	settings connectSettings

	mu        sync.Mutex
	guard     *guard // that the transport's connections have passed
	transport *http.Transport
}

// Transport returns a transport of its own. connectTimeout holds for resolving
// and connecting together, and again for the TLS handshake; caFile names a PEM
// file of the roots to trust in the place of the system's, "" for those. The
// error says why the file can't be used.
func (s *Sender) Transport(connectTimeout time.Duration, caFile string) (*Transport, error) {
	loaded, err := certificateFiles{ca: caFile}.load()
	if err != nil {
		return nil, err
	}
	return &Transport{sender: s, settings: connectSettings{connectTimeout, loaded}}, nil
}

// RoundTrip makes one request. After a Reload of the sender it goes by the new
// lists, over new connections.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	current := t.sender.guard.Load()
	// Behind a proxy nothing is dialled here; an address that the URL names
	// outright is refused all the same.
	if addr, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
		if err := current.check(addr); err != nil {
			if r.Body != nil {
				_ = r.Body.Close() // nothing was read of it
			}
			return nil, err
		}
	}
	return t.through(current).RoundTrip(r)
}

// through returns the transport whose connections have passed the guard.
func (t *Transport) through(current *guard) *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.guard != current {
		if t.transport != nil {
			t.transport.CloseIdleConnections()
		}
		t.guard, t.transport = current, t.sender.newTransport(t.settings)
	}
	return t.transport
}

// CloseIdleConnections closes the connections that no request is on.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.transport != nil {
		t.transport.CloseIdleConnections()
	}
}
