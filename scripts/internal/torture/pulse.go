package main

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// pulseEvery is how often the machine is tried.
const pulseEvery = 250 * time.Millisecond

// pulse tries, while a scenario runs, how long the machine makes a program wait for
// the processor and for a flush to the disk: what dz can't be blamed for.
type pulse struct {
	file  *os.File
	stop  chan struct{}
	ended chan error
	worst atomic.Int64 // nanoseconds, so far
}

func startPulse(path string) (*pulse, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	p := &pulse{file: file, stop: make(chan struct{}), ended: make(chan error, 1)}
	go func() { p.ended <- p.run() }()
	return p, nil
}

func (p *pulse) run() error {
	for {
		due := time.Now().Add(pulseEvery)
		select {
		case <-p.stop:
			return nil
		case <-time.After(pulseEvery):
		}
		if _, err := p.file.WriteAt([]byte{1}, 0); err != nil {
			return err
		}
		if err := p.file.Sync(); err != nil {
			return err
		}
		p.worst.Store(max(p.worst.Load(), int64(time.Since(due))))
	}
}

func (p *pulse) end() error {
	close(p.stop)
	err := <-p.ended
	return errors.Join(err, p.file.Close())
}
