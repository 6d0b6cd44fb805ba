package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	// maxBody is longer than any notification.
	maxBody = 4 << 10
	// drainWithin is how long the connections of a dz that has ended may take to
	// be noticed as closed.
	drainWithin = 10 * time.Second
	sentinel    = "/sentinel"
	// secretHeader is a header that some endpoints have.
	secretHeader = "X-Key"
)

// point is a moment in the life of a request that a kill can wait for.
type point int

const (
	requestBegun point = iota // and is not answered
	requestTaken              // and its answer is on its way
)

// receiver takes the requests of all endpoints on one port: the path names the
// endpoint's account, and may go on.
type receiver struct {
	ledger   *ledger.Ledger
	listener net.Listener
	server   *http.Server
	ended    chan error
	open     atomic.Int64 // connections

	mu      sync.Mutex
	inboxes map[string]*inbox
	shops   map[string]*shop
	random  *rand.Rand
	armed   map[point]chan struct{}
}

// inbox is where the requests of one account go.
type inbox struct {
	account *ledger.Account
	secret  string // that every request must bear, unless it is ""
	read    reader
	answer  atomic.Pointer[answer]
	refuses atomic.Pointer[refusal]
	watched atomic.Pointer[watch]
}

// reader reads what a request tells. What should not be so is told to the account.
type reader func(*http.Request, *ledger.Account) (ledger.Notification, error)

// answer answers a request. It calls take before what it writes can be taken for
// a success.
type answer func(w http.ResponseWriter, request *http.Request, take func())

func newReceiver(l *ledger.Ledger, seed uint64) (*receiver, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{
		ledger: l, listener: listener, ended: make(chan error, 1), inboxes: make(map[string]*inbox), shops: make(map[string]*shop),
		random: chance(seed, "receiver"), armed: make(map[point]chan struct{}),
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute, ConnState: r.count}
	go func() { r.ended <- r.server.Serve(listener) }()
	return r, nil
}

func (r *receiver) close() error {
	err := r.server.Close()
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (r *receiver) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		r.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		r.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// url is where an account's requests go; rest, which may be empty, tells targets
// apart.
func (r *receiver) url(account, rest string) string {
	return "http://" + r.listener.Addr().String() + "/" + account + "/" + rest
}

// subscribe makes an inbox for an account. It answers 200 after a short while.
func (r *receiver) subscribe(account string, terms ledger.Terms) *inbox {
	in := &inbox{account: r.ledger.Open(account, terms), read: readNotification}
	in.set(r.takeSoon)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inboxes[account] = in
	return in
}

// serveShop has a shop take the requests of an account.
func (r *receiver) serveShop(account string, s *shop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shops[account] = s
}

// underWay counts the requests that were begun on and not answered.
func (r *receiver) underWay() int {
	n := r.ledger.UnderWay()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shops {
		n += s.underWay()
	}
	return n
}

// passing is told that a request has come to a point.
type passing func(context.Context, point)

// set makes the inbox answer so from now on.
func (in *inbox) set(a answer) { in.answer.Store(&a) }

// refusal says whether a receiver will not take what a request tells, whatever its answer
// to others.
type refusal func(ledger.Notification) bool

// refuse has the inbox answer 422 to some requests from now on.
func (in *inbox) refuse(some refusal) { in.refuses.Store(&some) }

// watch is told every request as it comes in, and the path it came to.
type watch func(n ledger.Notification, path string)

// observe has a function called with every request from now on.
func (in *inbox) observe(w watch) { in.watched.Store(&w) }

// ServeHTTP notes and answers a request.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == sentinel {
		return
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	r.mu.Lock()
	in, shop := r.inboxes[name], r.shops[name]
	r.mu.Unlock()
	if shop != nil {
		shop.serve(w, request, r.pass)
		return
	}
	if in == nil {
		http.NotFound(w, request)
		return
	}
	in.serve(w, request, r.pass)
}

// serve notes a request and has it answered. pass is called at its points.
func (in *inbox) serve(w http.ResponseWriter, request *http.Request, pass passing) {
	n, err := in.read(request, in.account)
	if err != nil {
		return // the sender has gone in the middle of it
	}
	if watch := in.watched.Load(); watch != nil {
		(*watch)(n, request.URL.Path)
	}
	if got := request.Header.Get(secretHeader); got != in.secret {
		in.account.Strange("a request with the header %s: %q, not %q", secretHeader, got, in.secret)
	}
	visit := in.account.Begin(n)
	taken := false
	defer func() { // also if the answer is to break the connection
		if !taken && request.Context().Err() == nil {
			visit.Refuse()
		}
		visit.End()
	}()
	pass(request.Context(), requestBegun)
	if request.Context().Err() != nil {
		return
	}
	if refuses := in.refuses.Load(); refuses != nil && (*refuses)(n) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	(*in.answer.Load())(w, request, func() {
		taken = true
		visit.Take()
		visit.End() // dz may send again before the handler has returned
	})
	if taken {
		pass(request.Context(), requestTaken)
	}
}

// readNotification reads one of style notify. One that is none becomes one that was
// never written, for the ledger to find.
func readNotification(request *http.Request, _ *ledger.Account) (ledger.Notification, error) {
	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody))
	if err != nil {
		return ledger.Notification{}, err
	}
	var n struct {
		ChangeType uint8
		Data       struct{ ItemId, BaseId uint64 } //nolint:revive // Digizuite's names
	}
	if err := json.Unmarshal(body, &n); err != nil {
		n.Data.BaseId = ^uint64(0)
	}
	return ledger.Notification{
		Event:   ledger.Event{Key: ledger.Key{Type: n.ChangeType, Item: n.Data.ItemId}, Number: n.Data.BaseId},
		Message: request.Header.Get("Webhook-Id"),
	}, nil
}

// takeSoon answers 200 after up to 4 ms, which lets requests overlap.
func (r *receiver) takeSoon(_ http.ResponseWriter, request *http.Request, take func()) {
	r.mu.Lock()
	delay := time.Duration(r.random.IntN(4000)) * time.Microsecond
	r.mu.Unlock()
	if process.Pause(request.Context(), delay) == nil {
		take()
	}
}

// arm returns a channel that is closed when the next request comes to a point.
// At requestBegun that request is held back until its sender is gone.
func (r *receiver) arm(p point) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed[p] = make(chan struct{})
	return r.armed[p]
}

// disarm takes back what arm asked for.
func (r *receiver) disarm(p point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.armed, p)
}

// pass tells whoever waits for the point.
func (r *receiver) pass(ctx context.Context, p point) {
	r.mu.Lock()
	reached := r.armed[p]
	delete(r.armed, p)
	r.mu.Unlock()
	if reached == nil {
		return
	}
	close(reached)
	if p == requestBegun {
		_ = process.Pause(ctx, time.Second) // it ends with its sender
	}
}

// drain waits until no connection of a dz that has ended is left: every request
// that it sent has been noted. A connection made now comes in behind those that
// wait to be accepted.
func (r *receiver) drain(ctx context.Context) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: drainWithin}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.listener.Addr().String()+sentinel, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	return process.Until(ctx, time.Millisecond, drainWithin, "the connections of the dz that has ended are closed", func() (bool, error) {
		return r.open.Load() == 0, nil
	})
}
