package admin

import (
	"context"
	"errors"
	"net"
)

// Peer is who is at the other end of the socket, as the kernel says.
type Peer struct {
	UID uint32
	GID uint32
	// Groups are the supplementary groups that the process had when it
	// connected; none where the kernel doesn't tell them.
	Groups []uint32
}

// peerKey is where a connection's peer is found in the context of its requests;
// net/http has no other place for what belongs to a connection.
type peerKey struct{}

type peerResult struct {
	peer Peer
	err  error
}

// withPeer is the server's ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	peer, err := peerOf(conn)
	return withPeerResult(ctx, peerResult{peer, err})
}

func withPeerResult(ctx context.Context, result peerResult) context.Context {
	return context.WithValue(ctx, peerKey{}, result)
}

// peerFrom returns the peer of a request.
func peerFrom(ctx context.Context) (Peer, error) {
	result, ok := ctx.Value(peerKey{}).(peerResult)
	if !ok {
		return Peer{}, errors.New("the connection has no peer credentials")
	}
	return result.peer, result.err
}

// peerOf asks the kernel who connected.
func peerOf(conn net.Conn) (Peer, error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{}, errors.New("the connection is no Unix socket")
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var peer Peer
	var peerErr error
	if err := raw.Control(func(fd uintptr) { peer, peerErr = peerOfSocket(int(fd)) }); err != nil {
		return Peer{}, err
	}
	return peer, peerErr
}
