package admin

import (
	"os"

	"golang.org/x/sys/unix"
)

// peerOfSocket reads SO_PEERCRED: the effective ids of the process at the time
// it connected (man 7 unix).
func peerOfSocket(fd int) (Peer, error) {
	credentials, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return Peer{UID: credentials.Uid, GID: credentials.Gid}, nil
}
