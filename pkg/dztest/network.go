// Package dztest owns what tests of dz share: a receiver that records and
// answers as told, a network and a source in memory, so that a whole daemon runs
// in a testing/synctest bubble, where an hour costs a moment.
package dztest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Network is a network in memory with one listener: whatever address is dialled
// reaches it.
type Network struct {
	refuses atomic.Bool

	mu     sync.Mutex
	closed bool
	conns  chan net.Conn
	done   chan struct{}
}

// NewNetwork makes a network.
func NewNetwork() *Network {
	return &Network{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Refuse has new connections refused, or no longer.
func (n *Network) Refuse(refuse bool) { n.refuses.Store(refuse) }

// Dial connects to the listener.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if n.refuses.Load() {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	}
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for a connection.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		close(n.done)
	}
	return nil
}

// Addr is the network's only address.
func (n *Network) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
