package bolt

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// recoverDamage arranges for a bad page to become an error instead of the end of
// the process: bbolt panics where a page makes no sense, and the runtime faults
// where the file is shorter than its mapping; what dz finds where it can return no
// error, it panics with (endpointOf). A panic of any other cause is a
// mistake in a program, and goes on: nobody shall restore a backup for it. Use:
// defer recoverDamage(&err)().
func recoverDamage(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		fault := recover()
		if fault == nil {
			return
		}
		if found, ok := fault.(damage); ok {
			*err = found
			return
		}
		if !isFault(fault) && !raisedByBolt() {
			panic(fault)
		}
		*err = damaged("%v", fault)
	}
}

// isFault reports whether memory could not be read: the mapped file.
func isFault(fault any) bool {
	_, ok := fault.(interface {
		runtime.Error
		Addr() uintptr
	})
	return ok
}

// raisedByBolt reports whether the panic that is being recovered from was raised
// in bbolt's code. It is called by the deferred function itself, whose callers
// are still those of the panic.
func raisedByBolt() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic" || frame.Function == "runtime.sigpanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}
