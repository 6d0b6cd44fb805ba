package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 64 << 10
)

// Config is what a server is made of.
type Config struct {
	Service Service
	Policy  Policy
	Version string       // of the program
	Metrics http.Handler // answers /metrics; nil for none
	Log     *slog.Logger
}

// Server serves the admin API.
type Server struct {
	service Service
	policy  Policy
	members *groupCache
	log     *slog.Logger
	handler http.Handler

	stopping context.Context //nolint:containedctx // it ends when the server begins to stop, and with it what has no end by itself
	stop     context.CancelFunc

	bodyTimeout time.Duration // how long a request's body may stand still
	grace       time.Duration // how long requests under way may go on once the server stops
}

// New makes a server.
func New(config Config) (*Server, error) {
	s := &Server{
		service: config.Service,
		policy:  config.Policy,
		members: newGroupCache(lookupGroups),
		log:     config.Log,

		bodyTimeout: 30 * time.Second,
		grace:       5 * time.Second,
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	mux, err := s.routes(config)
	if err != nil {
		return nil, fmt.Errorf("make admin API: %w", err)
	}
	s.handler = s.recovering(s.timing(s.authorizing(preconditions(mux))))
	return s, nil
}

// Serve answers on the listener until ctx ends, then ends streams, lets the requests under way
// end within five seconds, breaks off those that don't, and returns nil. It
// closes the listener. Any other end of it is an error.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	requests, breakOff := context.WithCancel(context.WithoutCancel(ctx))
	defer breakOff()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withPeer,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("serve admin API: %w", err), server.Close())
	case <-ctx.Done():
	}
	s.stop()
	stopping, cancel := context.WithTimeout(requests, s.grace)
	defer cancel()
	err := server.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		breakOff()
		err = server.Close()
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(serveErr, err)
	}
	if err != nil {
		return fmt.Errorf("stop admin API: %w", err)
	}
	return nil
}

// recovering turns a panic into an error for this one request.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			err, isErr := cause.(error)
			if r.Context().Err() != nil || (isErr && errors.Is(err, http.ErrAbortHandler)) {
				panic(http.ErrAbortHandler) // the client has gone; there is nobody to answer
			}
			s.log.ErrorContext(r.Context(), "admin request panicked",
				"method", r.Method, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			writeProblem(w, internalProblem())
		}()
		next.ServeHTTP(w, r)
	})
}

// authorizing lets through what the peer may do.
func (s *Server) authorizing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if denied := s.authorize(r); denied != nil {
			// What else was sent is not waited for.
			w.Header().Set("Connection", "close")
			writeProblem(w, &problem{http.StatusForbidden, denied})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) authorize(r *http.Request) *api.Error {
	peer, err := peerFrom(r.Context())
	if err != nil {
		return &api.Error{Code: api.CodeForbidden, Message: "the daemon can't tell who you are: " + err.Error()}
	}
	wanted := neededAccess(r)
	var groups []uint32
	if s.policy.needsGroups(peer) {
		if groups, err = s.members.groups(peer.UID, time.Now()); err != nil {
			return &api.Error{
				Code:    api.CodeForbidden,
				Message: "the daemon can't tell your groups: " + err.Error(),
				Hint:    "run as the daemon's user or root",
			}
		}
	}
	if s.policy.access(peer, groups) < wanted {
		return s.policy.denial(wanted)
	}
	return nil
}

// neededAccess is what a request takes: everything but reading is writing, and so
// is seeing secrets.
func neededAccess(r *http.Request) Access {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == api.Root+backupPath {
		return WriteAccess
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return WriteAccess // in doubt; another reader may find more in it
	}
	for _, value := range query["reveal"] {
		if value != "false" {
			return WriteAccess
		}
	}
	return ReadAccess
}

// timing bounds how long a request's body may stand still.
func (s *Server) timing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			body := &timedBody{body: r.Body, control: http.NewResponseController(w), timeout: s.bodyTimeout}
			if err := body.extend(); err != nil {
				writeProblem(w, s.problemOf(r.Context(), "read", err))
				return
			}
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody is a body of which each part must arrive in time. The deadline is
// also that of what net/http reads by itself, when a handler has left some. It
// ends with the body: what net/http reads from then on is whether the client is
// still there, while an answer takes its time.
type timedBody struct {
	body    io.Reader
	control *http.ResponseController
	timeout time.Duration
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	var deadlineErr error
	switch {
	case err == nil:
		deadlineErr = b.extend()
	case errors.Is(err, io.EOF):
		deadlineErr = b.control.SetReadDeadline(time.Time{})
	}
	if deadlineErr != nil {
		return n, fmt.Errorf("bound the wait for the request: %w", deadlineErr)
	}
	return n, err
}

// Close leaves it to net/http to do away with what was not read. Closed before
// its end, a body that has timed out would pass for one that was read, and what
// comes late for another request.
func (*timedBody) Close() error { return nil }

func (b *timedBody) extend() error { return b.control.SetReadDeadline(time.Now().Add(b.timeout)) }
