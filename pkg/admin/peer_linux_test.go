package admin

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func peerGroups(t *testing.T) []uint32 {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	peer, err := peerOfSocket(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(slices.Values(peer.Groups))
}

func TestPeerHasTheGroupsOfItsProcess(t *testing.T) {
	t.Parallel()
	mine, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	var want []uint32
	for _, gid := range mine {
		want = append(want, uint32(gid))
	}
	slices.Sort(want)
	if got := peerGroups(t); !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}

// Groups that are in no user database, and more than fit at first.
func TestPeerWithManyGroups(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may take groups")
	}
	for _, count := range []int{1, 64, 65, 1000} {
		var want []uint32
		for gid := range count {
			want = append(want, uint32(70_000+gid))
		}
		got := make(chan []uint32, 1)
		go func() {
			defer close(got)
			// Groups belong to a thread, which ends with the goroutine that never
			// unlocks it.
			runtime.LockOSThread()
			_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(count), uintptr(unsafe.Pointer(&want[0])), 0)
			if errno != 0 {
				t.Errorf("set %d groups: %v", count, errno)
				return
			}
			got <- peerGroups(t)
		}()
		if groups := <-got; !slices.Equal(groups, want) {
			t.Errorf("%d groups: got %d", count, len(groups))
		}
	}
}
