package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	receiveCommand = "receive"
	// downHold is how long a receiver that is down lets a request wait for its
	// 503, so that requests at the same time would show.
	downHold = 50 * time.Millisecond
	// maxBody is longer than any notification.
	maxBody = 4 << 10
)

// addresses are told to whoever started a receiver.
type addresses struct {
	Hook    string `json:"hook"`    // URL to send to
	Control string `json:"control"` // URL to ask
}

// tally is what a receiver has seen since its reset. Times are Unix nanoseconds.
type tally struct {
	Delivered int64 `json:"delivered"` // requests answered with 200
	Distinct  int64 `json:"distinct"`  // objects among them
	Repeated  int64 `json:"repeated"`  // requests beyond the first of an object
	Strange   int64 `json:"strange"`   // requests about no known object
	Altered   int64 `json:"altered"`   // requests about one that are not its notification
	First     int64 `json:"first"`     // when the first delivered one came
	Last      int64 `json:"last"`      // when the last object's first one came
	Refused   int64 `json:"refused"`   // requests answered with 503
	Probes    int64 `json:"probes"`    // of them, those begun since the mark
	Abreast   int64 `json:"abreast"`   // the most of the probes that there were at a time
}

// receiver answers requests and counts them. Its arrivals are replaced as a
// whole while nobody sends.
type receiver struct {
	shop     *shop
	down     atomic.Bool
	arrivals atomic.Pointer[[]atomic.Int64] // of each object's first request

	delivered, distinct, repeated, strange, altered, first, last atomic.Int64

	mu                        sync.Mutex // guards what is counted while down
	marked                    bool
	refused, probes, now, max int64
}

// receive runs a receiver until its stdin ends, which it does at the latest when
// whoever started it does.
func receive(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	r := &receiver{shop: newShop()}
	r.reset(0)
	hook, hookURL, err := listen(ctx)
	if err != nil {
		return err
	}
	control, controlURL, err := listen(ctx)
	if err != nil {
		return err
	}
	hooks := http.NewServeMux()
	hooks.HandleFunc("/", r.hook)
	hooks.Handle(shopPath, r.shop)
	servers := []*http.Server{
		{Handler: hooks, ReadHeaderTimeout: time.Minute},
		{Handler: r.control(), ReadHeaderTimeout: time.Minute},
	}
	ended := make(chan error, len(servers)+1)
	for i, listener := range []net.Listener{hook, control} {
		go func() { ended <- servers[i].Serve(listener) }()
	}
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	if err := json.NewEncoder(stdout).Encode(addresses{hookURL, controlURL}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	for _, server := range servers {
		err = errors.Join(err, server.Close())
	}
	return err
}

func listen(ctx context.Context) (net.Listener, string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return listener, "http://" + listener.Addr().String(), nil
}

// reset begins anew, for that many objects.
func (r *receiver) reset(objects int) {
	arrivals := make([]atomic.Int64, objects)
	r.arrivals.Store(&arrivals)
	for _, n := range []*atomic.Int64{&r.delivered, &r.distinct, &r.repeated, &r.strange, &r.altered, &r.first, &r.last} {
		n.Store(0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marked, r.refused, r.probes, r.max = false, 0, 0, 0
}

// hook takes a notification.
func (r *receiver) hook(w http.ResponseWriter, request *http.Request) {
	begun := time.Now().UnixNano()
	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody))
	if err != nil {
		return // the sender has gone
	}
	if r.down.Load() {
		r.refuse(w)
		return
	}
	r.note(body, begun)
	w.WriteHeader(http.StatusOK)
}

func (r *receiver) note(body []byte, begun int64) {
	r.delivered.Add(1)
	r.first.CompareAndSwap(0, begun)
	arrivals := *r.arrivals.Load()
	item, ok := itemOf(body)
	if !ok || item >= len(arrivals) {
		r.strange.Add(1)
		return
	}
	if want := notification(make([]byte, 0, 96), item); !bytes.Equal(body, want) {
		r.altered.Add(1)
	}
	switch {
	case arrivals[item].CompareAndSwap(0, begun):
		r.distinct.Add(1)
		r.last.Store(begun)
	default:
		r.repeated.Add(1)
	}
}

// itemOf reads the item of a notification.
func itemOf(body []byte) (int, bool) {
	_, rest, ok := bytes.Cut(body, []byte(`"ItemId":`))
	if !ok {
		return 0, false
	}
	digits, _, ok := bytes.Cut(rest, []byte(","))
	if !ok {
		return 0, false
	}
	item, err := strconv.Atoi(string(digits))
	return item, err == nil && item >= 0
}

// refuse lets the request wait a little, and answers that there is no service.
func (r *receiver) refuse(w http.ResponseWriter) {
	r.mu.Lock()
	r.refused++
	probe := r.marked
	if probe {
		r.probes++
		r.now++
		r.max = max(r.max, r.now)
	}
	r.mu.Unlock()
	<-time.After(downHold)
	if probe {
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

func (r *receiver) tally() tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return tally{
		Delivered: r.delivered.Load(), Distinct: r.distinct.Load(), Repeated: r.repeated.Load(),
		Strange: r.strange.Load(), Altered: r.altered.Load(),
		First: r.first.Load(), Last: r.last.Load(),
		Refused: r.refused, Probes: r.probes, Abreast: r.max,
	}
}

// control is for the bench alone, on a port of its own.
func (r *receiver) control() http.Handler {
	mux := http.NewServeMux()
	r.shop.control(mux)
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, request *http.Request) {
		objects, err := strconv.Atoi(request.URL.Query().Get("objects"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.reset(objects)
	})
	mux.HandleFunc("POST /down", func(http.ResponseWriter, *http.Request) { r.down.Store(true) })
	mux.HandleFunc("POST /up", func(http.ResponseWriter, *http.Request) { r.down.Store(false) })
	mux.HandleFunc("POST /mark", func(http.ResponseWriter, *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.marked = true
	})
	mux.HandleFunc("GET /tally", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(r.tally()); err != nil {
			return // whoever asked has gone
		}
	})
	mux.HandleFunc("GET /arrivals", func(w http.ResponseWriter, _ *http.Request) {
		arrivals := *r.arrivals.Load()
		buf := make([]byte, 0, 8*len(arrivals))
		for i := range arrivals {
			buf = binary.LittleEndian.AppendUint64(buf, uint64(arrivals[i].Load()))
		}
		if _, err := w.Write(buf); err != nil {
			return // whoever asked has gone
		}
	})
	return mux
}

// notification is the body that dz sends about an item, by its documentation.
func notification(buf []byte, item int) []byte {
	return fmt.Appendf(buf, `{"ChangeType":1,"Data":{"ItemId":%d,"BaseId":%d}}`, item, item)
}
