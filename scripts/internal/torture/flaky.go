package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// hangingTimeout is how long an endpoint gives a receiver that sometimes hangs.
const hangingTimeout = "2s"

// moody is a receiver that works for a while, and then fails in one way for a while.
type moody struct {
	takes answer // while it works

	mu     sync.Mutex
	random *rand.Rand
	mood   answer
	until  time.Time
}

// answer answers as the receiver's mood is.
func (m *moody) answer(w http.ResponseWriter, request *http.Request, take func()) {
	m.now()(w, request, take)
}

// now returns the mood. Every other one is a good one.
func (m *moody) now() answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.mood == nil || now.After(m.until) {
		m.mood, m.until = m.takes, now.Add(time.Duration(200+m.random.IntN(1500))*time.Millisecond)
		if m.random.IntN(2) == 0 {
			m.mood, m.until = m.failure(), now.Add(time.Duration(50+m.random.IntN(700))*time.Millisecond)
		}
	}
	return m.mood
}

// failure returns one of the ways to fail. The caller holds the lock.
func (m *moody) failure() answer {
	return []answer{
		status(http.StatusInternalServerError), status(http.StatusServiceUnavailable), tooManyForASecond, closeAtOnce, closeWithin, hang,
	}[m.random.IntN(6)]
}

// fickle is a receiver that fails now and then, but not so often in a row that dz
// takes it for sick: it is asked, and fails, at full speed.
type fickle struct {
	takes answer

	mu     sync.Mutex
	random *rand.Rand
}

func (f *fickle) answer(w http.ResponseWriter, request *http.Request, take func()) {
	f.mu.Lock()
	turn := f.random.IntN(100)
	f.mu.Unlock()
	switch {
	case turn < 12:
		w.WriteHeader(http.StatusInternalServerError)
	case turn < 18:
		w.WriteHeader(http.StatusUnprocessableEntity)
	case turn < 22:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		f.takes(w, request, take)
	}
}

// registerFlaky adds endpoints of receivers that fail by the seed. They want a part of the
// changes, for each failure is a commit of its own. mend
// has them work from then on.
func (r *rig) registerFlaky(ctx context.Context) (members []*member, mend func(), err error) {
	for _, f := range []struct {
		name    string
		answer  answer
		timeout string
	}{
		{"moody", (&moody{takes: r.receiver.takeSoon, random: chance(r.opts.seed, r.name, "moody")}).answer, hangingTimeout},
		{"fickle", (&fickle{takes: r.receiver.takeSoon, random: chance(r.opts.seed, r.name, "fickle")}).answer, ""},
	} {
		m, err := r.register(ctx, f.name, settings{wanted: everything &^ asset, concurrency: 6, timeout: f.timeout, retry: flakyRetry})
		if err != nil {
			return nil, nil, err
		}
		m.inbox.set(f.answer)
		members = append(members, m)
	}
	return members, func() {
		for _, m := range members {
			m.inbox.set(r.receiver.takeSoon)
		}
	}, nil
}

// flakyRetry goes on for as long as a scenario, in short steps.
const flakyRetry = "100ms,200ms,500ms,1s,1s,1s,1s,2s,2s,5s,5s,5s,10s,10s,10s,30s,1m,5m,1h,1h"
