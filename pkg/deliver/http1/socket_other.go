//go:build !unix

package http1

import "net"

// socket is nothing where there is no way to look without waiting: a connection
// that was closed is found so when it is written to.
type socket struct{}

func socketOf(net.Conn) *socket { return nil }

func (*socket) quiet() bool { return true }
