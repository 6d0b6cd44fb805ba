//go:build torture

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// armed is what Variable says.
type armed struct {
	action Action
	point  Point
	n      int64
}

func parse(text string) (armed, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return armed{}, fmt.Errorf("%s=%q is not ACTION:POINT:N", Variable, text)
	}
	a := armed{action: Action(parts[0]), point: Point(parts[1])}
	if a.action != Kill && a.action != Stop {
		return armed{}, fmt.Errorf("%s=%q: %q is neither %s nor %s", Variable, text, a.action, Kill, Stop)
	}
	if !slices.Contains(Points(), a.point) {
		return armed{}, fmt.Errorf("%s=%q: there is no point %q", Variable, text, a.point)
	}
	var err error
	if a.n, err = strconv.ParseInt(parts[2], 10, 64); err != nil || a.n < 1 {
		return armed{}, fmt.Errorf("%s=%q: %q is no number from 1", Variable, text, parts[2])
	}
	return a, nil
}

// arming reads Variable once. A value that makes no sense is a mistake of
// whoever tests, who must not take the run for one that went well.
var arming = sync.OnceValue(func() armed {
	text := os.Getenv(Variable)
	if text == "" {
		return armed{}
	}
	a, err := parse(text)
	if err != nil {
		panic(err)
	}
	return a
})

// reached counts how often the armed point was.
var reached atomic.Int64

// Reach says that the program has come to a point. If it is the armed one, and
// for the n-th time, the process ends or stops here.
func Reach(p Point) {
	a := arming()
	if p != a.point || reached.Add(1) != a.n {
		return
	}
	signal := syscall.SIGKILL
	if a.action == Stop {
		signal = syscall.SIGSTOP
	}
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		panic(err)
	}
	if a.action == Kill {
		select {} // the signal may take a moment; this goroutine goes no further
	}
}
