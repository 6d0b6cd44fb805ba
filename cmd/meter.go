package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/render"
)

const (
	// meterEvery is how often a meter is drawn at most.
	meterEvery = 100 * time.Millisecond
	// meterWidth is how wide it is where the terminal does not say.
	meterWidth = 80
)

// meter shows a person at a terminal how far reading, or other work, has come, on
// a line of stderr that is drawn anew. It may be told things while it is read.
type meter struct {
	app   *app
	from  io.Reader
	begun time.Time

	mu       sync.Mutex
	progress render.Progress
	next     time.Time
	drawn    int // columns
	finished bool
}

// newMeter reads from, of which there are total bytes, 0 if that is not known.
func (a *app) newMeter(from io.Reader, total int64) *meter {
	now := a.env.Now()
	return &meter{app: a, from: from, begun: now, next: now.Add(meterEvery), progress: render.Progress{Total: total}}
}

// Read counts and shows what is read.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress.Done += int64(n)
	m.draw()
	return n, err
}

// newCounter returns a meter of things that are counted, which set tells it of.
func (a *app) newCounter() *meter {
	m := a.newMeter(nil, 0)
	m.progress.Counted = true
	return m
}

// set shows how much of what there is has been done.
func (m *meter) set(done, total uint64, note string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress.Done, m.progress.Total, m.progress.Note = int64(done), int64(total), note
	m.draw()
}

// note shows what else there is to say.
func (m *meter) note(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress.Note = text
	m.draw()
}

// busy shows that something is being done of which no more is known. The function
// that it returns ends that, and takes the line away.
func (m *meter) busy(text string) (finish func()) {
	m.progress.Uncounted = true
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(meterEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				m.note(text)
			}
		}
	})
	return func() {
		close(done)
		shown.Wait()
		m.finish()
	}
}

// draw draws the line if it is time to.
func (m *meter) draw() {
	now := m.app.env.Now()
	if m.finished || !m.app.env.ErrTerminal || now.Before(m.next) {
		return
	}
	m.next = now.Add(meterEvery)
	m.progress.Elapsed = now.Sub(m.begun)
	width := m.app.env.Width()
	if width == 0 {
		width = meterWidth
	}
	// The last column is left free: some terminals begin a new line there.
	m.replace(m.progress.Line(width - 1))
}

// replace writes over what is there, with blanks where it is shorter: not every
// terminal knows how to erase.
func (m *meter) replace(line string) {
	columns := render.Columns(line)
	fmt.Fprintf(m.app.env.Stderr, "\r%s%s", line, strings.Repeat(" ", max(0, m.drawn-columns)))
	m.drawn = columns
}

// finish takes the line away; nothing is shown any more.
func (m *meter) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.finished = true; m.drawn > 0 {
		m.replace("")
		fmt.Fprint(m.app.env.Stderr, "\r")
	}
}
