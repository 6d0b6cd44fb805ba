package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// bubble is a whole daemon in a synctest bubble: a source and a network in
// memory, a real store, and a clock that jumps to the next thing that happens.
type bubble struct {
	*testing.T
	source   *dztest.Source
	receiver *dztest.Receiver
	network  *dztest.Network
	path     string
	ahead    atomic.Int64 // of the daemon's clock, in nanoseconds
	api      *dztest.Network

	prepare func(context.Context) error // nil for nothing
	styles  *style.Set                  // nil for those built in
	wrap    func(store.Engine) store.Engine
	seen    map[string]int // requests to an endpoint that were looked at
	logged  dztest.Log

	maxBackground uint64 // 0: as declared
	maxSize       int64  // of the store; 0: unlimited

	daemon *Daemon
	cancel context.CancelFunc
	ended  chan error
}

// inBubble runs a test in a bubble with a running daemon.
func inBubble(t *testing.T, test func(b *bubble)) {
	t.Helper()
	inBubbleWith(t, nil, test)
}

// inBubbleWith runs a test in a bubble with a daemon that prepare, if given, has
// had a say in.
func inBubbleWith(t *testing.T, prepare, test func(b *bubble)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{
			T: t, source: dztest.NewSource(), receiver: &dztest.Receiver{}, network: dztest.NewNetwork(),
			path: filepath.Join(dir, "dz.db"),
		}
		server := &http.Server{Handler: b.receiver, ReadHeaderTimeout: time.Hour}
		served := make(chan error, 1)
		go func() { served <- server.Serve(b.network) }()
		if prepare != nil {
			prepare(b)
		}
		b.start()
		test(b)
		b.stop()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
		if overlaps := b.receiver.Overlaps(); len(overlaps) > 0 {
			t.Errorf("two attempts at a time for %v", overlaps)
		}
	})
}

func (b *bubble) start() {
	b.Helper()
	b.run(false)
}

// startUntilIdle starts a daemon that ends by itself.
func (b *bubble) startUntilIdle() {
	b.Helper()
	b.run(true)
}

func (b *bubble) run(untilIdle bool) {
	b.Helper()
	db, err := bolt.Open(b.path, bolt.Options{KeepEvents: time.Hour, MaxEventBytes: 1 << 20, MaxSize: b.maxSize, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	started := make(chan *Daemon, 1)
	b.ended, b.cancel = make(chan error, 1), cancel
	b.api = dztest.NewNetwork()
	var engine store.Engine = db
	if b.wrap != nil {
		engine = b.wrap(db)
	}
	opts := Options{
		Engine: engine, Listener: b.api, Dial: b.network.Dial,
		Sources:   map[string]source.Source{"memory": b.source},
		Log:       slog.New(slog.NewTextHandler(&b.logged, nil)),
		Version:   api.Version{Version: "test"},
		UntilIdle: untilIdle,
		Now:       func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) },
		started:   func(d *Daemon) { started <- d },
		Prepare:   b.prepare,
		Styles:    b.styles,

		maxBackground: b.maxBackground,
	}
	opts.Config.Debouncing.Interval = endpoint.DefaultInterval
	opts.Config.Debouncing.MaxWait = endpoint.DefaultMaxWait
	go func() { b.ended <- Run(ctx, opts) }()
	select {
	case b.daemon = <-started:
	case err := <-b.ended:
		b.Fatalf("the daemon did not start: %v", err)
	}
}

// stop stops the daemon in order.
func (b *bubble) stop() {
	b.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		b.Errorf("the daemon ended with %v", err)
	}
	synctest.Wait() // the receiver notices what was cut off
}

// add registers an endpoint; change, if given, alters it before.
func (b *bubble) add(name string, change ...func(*endpoint.Endpoint)) endpoint.Endpoint {
	b.Helper()
	ep := endpoint.Endpoint{
		Name: name, URL: "http://" + name + ".test/" + name, Enabled: true,
		Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
	}
	for _, c := range change {
		c(&ep)
	}
	added, err := b.daemon.registry.add(b.Context(), ep, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return added
}

func debounce(interval time.Duration) func(*endpoint.Endpoint) {
	return func(ep *endpoint.Endpoint) {
		span := timespan.Span(interval)
		ep.Debounce = &span
	}
}

func retry(delays ...time.Duration) func(*endpoint.Endpoint) {
	return func(ep *endpoint.Endpoint) {
		for _, d := range delays {
			ep.Retry = append(ep.Retry, timespan.Span(d))
		}
	}
}

// change has the DAM change items.
func (b *bubble) change(items ...int) {
	b.Helper()
	if err := b.source.PushAll("AssetMetadataUpdated", items...); err != nil {
		b.Fatal(err)
	}
}

// wait lets time pass, and everything happen that is due meanwhile.
func (b *bubble) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}

// received returns how many requests came to a path, "" for all.
func (b *bubble) received(path string) []dztest.Request {
	var list []dztest.Request
	for _, r := range b.receiver.Requests() {
		if path == "" || r.Path == path {
			list = append(list, r)
		}
	}
	return list
}

// want fails the test if not so many requests have come so far.
func (b *bubble) want(n int, when string) {
	b.Helper()
	if got := len(b.received("")); got != n {
		b.Fatalf("%s: %d requests, want %d", when, got, n)
	}
}

func (b *bubble) status() api.Status {
	b.Helper()
	status, err := b.daemon.status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	c := status
	if c.Events.Owed != c.Events.Coalesced+c.Attempts.Delivered+c.Debts.Waiting+c.Debts.Due+c.Debts.InFlight+
		c.Debts.Retrying+c.Debts.Failed+c.Debts.Held+c.Debts.HeldDeletions+c.Events.Skipped+b.dropped() {
		b.Errorf("the sums do not add up: %+v", c)
	}
	return status
}

func (b *bubble) dropped() uint64 {
	stats, err := b.daemon.store.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return stats.Total.Dropped
}

func (b *bubble) service() *service { return (*service)(b.daemon) }

// wantCode fails the test if err is not an API error of that code.
func wantCode(t *testing.T, err error, code api.Code) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error is %v, want code %s", err, code)
	}
}
