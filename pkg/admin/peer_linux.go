package admin

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerOfSocket reads SO_PEERCRED, the effective ids of the process at the time
// it connected (man 7 unix), and its groups.
func peerOfSocket(fd int) (Peer, error) {
	credentials, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	groups, err := groupsOfSocket(fd)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERGROUPS", err)
	}
	return Peer{UID: credentials.Uid, GID: credentials.Gid, Groups: groups}, nil
}

// groupsOfSocket reads SO_PEERGROUPS (Linux 4.13): an array of gid_t. A kernel
// that does not know it names no groups.
func groupsOfSocket(fd int) ([]uint32, error) {
	const gidSize = 4 // bytes
	groups := make([]uint32, 64)
	for {
		length := uint32(len(groups)) * gidSize
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(unsafe.SliceData(groups))), uintptr(unsafe.Pointer(&length)), 0) //nolint:gosec // the kernel fills what it is pointed to
		needed := int(length / gidSize)
		switch {
		case errno == 0:
			return groups[:needed], nil
		case errors.Is(errno, unix.ENOPROTOOPT):
			return nil, nil
		case errors.Is(errno, unix.ERANGE) && needed > len(groups):
			groups = make([]uint32, needed)
		default:
			return nil, errno
		}
	}
}
