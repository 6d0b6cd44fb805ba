package admin

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// peerOfSocket reads LOCAL_PEERCRED: the effective ids of the process at the
// time it connected (man 4 unix). The first group is the effective one.
func peerOfSocket(fd int) (Peer, error) {
	credentials, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt LOCAL_PEERCRED", err)
	}
	if credentials.Ngroups < 1 {
		return Peer{}, errors.New("the kernel names no group of the peer")
	}
	groups := slices.Clone(credentials.Groups[1:credentials.Ngroups])
	return Peer{UID: credentials.Uid, GID: credentials.Groups[0], Groups: groups}, nil
}
