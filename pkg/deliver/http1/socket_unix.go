//go:build unix

package http1

import (
	"errors"
	"net"
	"syscall"
)

// socket looks at what came on an idle connection, without waiting and without
// taking it.
type socket struct {
	raw  syscall.RawConn
	look func(fd uintptr) bool
	err  error // of the last look
}

// socketOf returns nil if the connection is no socket. Such a one is found
// closed when it is written to.
func socketOf(wire net.Conn) *socket {
	holder, ok := wire.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := holder.SyscallConn()
	if err != nil {
		return nil // it is closed, which its use will show
	}
	s := &socket{raw: raw}
	s.look = func(fd uintptr) bool {
		var one [1]byte
		_, _, s.err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}
	return s
}

// quiet reports whether a read would have to wait.
func (s *socket) quiet() bool {
	return s.raw.Read(s.look) == nil && errors.Is(s.err, syscall.EAGAIN)
}
