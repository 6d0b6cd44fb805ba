package file

import (
	"os"
	"testing"
	"time"
)

// What was rotated away while dz was down is read, whatever the clock said: it
// may have been set back, or a machine without a battery began in the past.
func TestClockIsSetBackDuringADowntime(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{
		"an hour": time.Hour, "to before dz was installed": 30 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.write(kept, lines("older")) // rotated away before dz knew of the path
			r.age(kept, time.Minute)
			r.write(log, lines(sequence(0, 30)...))
			r.settle()
			r.wantIDs(sequence(0, 30)...)
			r.stop()
			r.rename(kept, log+".3")
			r.add(log, lines("a"))
			r.rename(log, log+".2")
			r.write(log, lines("b"))
			r.rename(log, log+".1")
			r.age(log+".1", back)
			r.write(log, lines("c"))
			r.age(log, back-time.Minute)
			r.start()
			r.settle()
			r.wantIDs("a", "b", "c")
			r.wantRejected()
			r.restart()
			r.settle()
			r.wantIDs()
		})
	}
}

// The clock is set back while dz runs, and the file is rotated twice before dz
// looks again.
func TestClockIsSetBackBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(sequence(0, 30)...))
	ahead := time.Now().Add(time.Hour) // until then the clock was ahead
	r.check(os.Chtimes(r.path(log), ahead, ahead))
	r.watchOut()
	r.wantIDs(sequence(0, 30)...)
	r.rename(log, log+".2")
	r.write(log, lines("a"))
	r.rename(log, log+".1")
	r.write(log, lines("b"))
	r.settle()
	r.wantIDs("a", "b")
}

// An old file that is put beside the path is none that was rotated away, and is
// not read at the next start either.
func TestOldFileThatIsPutBeside(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(sequence(0, 30)...))
	r.watchOut()
	r.wantIDs(sequence(0, 30)...)
	for name, text := range map[string]string{"-2025.gz": string(zipped(lines(sequence(500, 600)...))), "-2024": lines(sequence(700, 800)...)} {
		r.write("new", text)
		r.age("new", 24*time.Hour)
		r.rename("new", log+name)
	}
	r.watchOut()
	r.restart()
	r.settle()
	r.wantIDs()
	r.compress(log + "-2024") // nor under another name
	r.restart()
	r.settle()
	r.wantIDs()
	r.wantRejected()
}

// watchOut steps until the source has seen for some time that nothing changes in
// the directory.
func (r *rig) watchOut() {
	r.t.Helper()
	for r.src.isSurveyDue() {
		r.steps(1)
	}
}
