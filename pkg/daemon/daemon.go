// Package daemon owns the life of dz: it opens what there is to open, joins the
// stages (source, route, store, style, deliver), and closes everything in
// reverse order. No stage knows another; every arrow between them is pumped
// here.
//
//	feed ─▶ intake ─▶ store ─▶ lane ─▶ style ─▶ sender
//	                    ▲        │
//	                    └────────┘ settle
//
// It guarantees that stopping loses nothing: sources stop first, attempts under
// way may end and are recorded, and whatever is cut off is simply still due at
// the next start. A process that is killed repeats no more than what was not
// durable yet: for an endpoint its requests under way and MaxUnsettled others. What a
// synchronisation has handed on (see owing) is told again by the page; that is never
// more than a batch for each of those.
//
// What limits it, on two cores and for events of 500 bytes about distinct objects
// (scripts/bench tail, with --profile): a post takes nearly twice the processor time
// of one by net/http's client. A third of it is the store's writer, half of that what
// bbolt's commits write and flush; a quarter is the request, most of it the
// kernel's; a tenth each are claiming and taking events in, without the writer; the
// rest is the collector of garbage and the lane. The disk's flushes are waited for
// by nobody but the settler and the intake, and a commit has over 200 outcomes in
// it. The receiver on the same cores counted in, a post takes 70 µs of them at eight
// requests at a time, and one of the bare client's 46: more than that ratio of its
// rate, 0.65, is not to be had while both cores are busy. They are not always: while a
// batch is taken in, nothing is settled, and a lane that has MaxUnsettled answers
// waits. That costs another 0.03 there. At 64 at a time, the bare client takes more for
// itself, and the ratio is about 0.7. How long a backlog is counts, too: its objects come
// in no order, and each batch changes pages all over what is owed already.
//
// A full synchronisation of a managed endpoint (scripts/bench resync: 69,202 artworks
// in requests of 200) reaches half the rate of a client that posts the same requests
// ready made, on two cores that the receiver shares. That is what a client comes to that
// does nothing but read each asset from bbolt, post it and keep the state that is
// answered. Both cores are busy: of 11 µs of processor time an asset the receiver takes
// half, as for the bare client, which takes 1 µs for itself, where dz takes 5.5. A third of
// that is reading assets, making requests and reading answers, a quarter the store's
// writer, which tracks what is acknowledged, a sixth finding what to tell; the rest is the
// kernel's part of sending, claiming, the scheduler and the collector of garbage. Beside a
// receiver that reads the assets it is sent, dz comes to 0.6.
package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/bolt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/builtin"
)

const (
	// attemptGrace is how long attempts under way may go on after a stop.
	attemptGrace = 10 * time.Second
	// maintainEvery is how often the store tidies up.
	maintainEvery = time.Minute
	// lookEvery is how often the sources are asked what hinders them.
	lookEvery = 2 * time.Second
)

// StoreFormat is the format of the store that this dz writes.
const StoreFormat = bolt.Format

// Options of a daemon.
type Options struct {
	Config  config.Config
	Version api.Version
	Log     *slog.Logger
	// Level, if given, is set when the configuration is reloaded.
	Level *slog.LevelVar
	// Reload receives configurations to go on with.
	Reload <-chan config.Config
	// UntilIdle ends the daemon when its sources are read to their end and
	// nothing is owed that could be sent.
	UntilIdle bool
	// Prepare is called once, when the API answers and nothing has been read yet.
	// Its error ends the daemon.
	Prepare func(ctx context.Context) error
	// Ready is called once, when the daemon serves.
	Ready func()
	// Now is the clock; nil is the system's.
	Now func() time.Time

	// These replace what is otherwise made from the configuration, for tests
	// that run in a bubble without files and sockets.
	Engine   store.Engine
	Listener net.Listener
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Sources  map[string]source.Source
	Styles   *style.Set

	started       func(*Daemon) // called before Ready
	maxBackground uint64        // 0: as declared
}

// Daemon is a running dz.
type Daemon struct {
	opts     Options
	log      *slog.Logger
	clock    *clock
	now      func() time.Time // the clock's
	started  time.Time
	store    store.Engine
	assets   catalogue.Reader
	dam      *rest.Catalogue // nil: assets are read in the store
	shown    catalogue.Viewer
	styles   *style.Set
	sender   *deliver.Sender
	registry *registry
	intake   *intake
	resyncs  *resyncs
	metrics  *metrics
	attempts hub[settlement]
	held     heldLog

	temporary temporary

	mu     sync.Mutex
	config config.Config
	feeds  map[string]*feed
}

// Run runs a daemon until ctx ends; a second end of patience is the caller's to
// have. It returns nil after an orderly stop.
func Run(ctx context.Context, opts Options) (err error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	clock := newClock(opts.Now)
	d := &Daemon{
		opts: opts, log: opts.Log, clock: clock, now: clock.now, started: clock.now(),
		config: opts.Config, feeds: make(map[string]*feed),
	}
	var teardown teardown
	defer func() { err = errors.Join(err, teardown.run()) }()
	listener, err := d.open(ctx, &teardown)
	if err != nil {
		return err
	}
	return d.serve(ctx, listener, &teardown)
}

// open opens the store, then the socket: whoever holds the store's lock is the
// only daemon, so that a socket found is a dead one's.
func (d *Daemon) open(ctx context.Context, teardown *teardown) (net.Listener, error) {
	if d.store = d.opts.Engine; d.store == nil {
		db, err := d.openStore(ctx)
		if err != nil {
			return nil, err
		}
		d.store = db
	}
	teardown.add(d.store.Close)
	d.sender = deliver.New(deliver.Config{
		UserAgent: "dz/" + d.opts.Version.Version,
		Deny:      d.config.Network.Deny, Allow: d.config.Network.Allow,
		Dial: d.opts.Dial, Now: d.now,
	})
	teardown.add(func() error { d.sender.Close(); return nil })
	if err := d.openCatalogue(teardown); err != nil {
		return nil, err
	}
	var err error
	if d.styles = d.opts.Styles; d.styles == nil {
		if d.styles, err = builtin.Styles(builtin.Knowledge{Assets: d.assets, Shown: d.shown, Memory: d.store}); err != nil {
			return nil, err
		}
	}
	listener := d.opts.Listener
	if listener == nil {
		policy, err := policyOf(d.config.Socket)
		if err != nil {
			return nil, err
		}
		if listener, err = admin.Listen(ctx, d.config.Socket.Path, policy); err != nil {
			return nil, err
		}
	}
	teardown.add(func() error { return ignoreClosed(listener.Close()) })
	d.metrics = newMetrics(d)
	d.registry = newRegistry(d.store, d.styles, d.config.Debouncing.Window(), d.log, d.newLane)
	d.registry.supports = d.shown.Supports
	d.resyncs = &resyncs{
		store: d.store, registry: d.registry, viewer: d.shown, now: d.now, log: d.log, seed: maphash.MakeSeed(),
		running: make(map[uint64]*runningResync), most: cmp.Or(d.opts.maxBackground, maxBackground),
	}
	d.intake = &intake{store: d.store, registry: d.registry, now: d.now, log: d.log, maxSize: int64(d.config.Store.MaxSize)}
	return listener, d.registry.load(ctx)
}

func policyOf(c config.Socket) (admin.Policy, error) {
	policy := admin.Policy{Owner: uint32(os.Geteuid())}
	var err error
	if c.Group != "" {
		if policy.Group, err = admin.LookupGroup(c.Group); err != nil {
			return policy, fmt.Errorf("socket.group: %w", err)
		}
	}
	if c.ViewGroup != "" {
		if policy.View, err = admin.LookupGroup(c.ViewGroup); err != nil {
			return policy, fmt.Errorf("socket.view_group: %w", err)
		}
	}
	return policy, nil
}

func (d *Daemon) newLane() *lane {
	return &lane{
		store: d.store, sender: d.sender, now: d.now, log: d.log,
		observe: d.attempts.tell, measure: d.metrics.attempt, held: d.logHeld,
		wakeUp: make(chan struct{}, 1), hurry: make(chan struct{}, 1), dividing: make(chan struct{}, 1),
	}
}

// serve runs everything until ctx ends or, with UntilIdle, nothing is left to do.
func (d *Daemon) serve(ctx context.Context, listener net.Listener, teardown *teardown) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	if err := d.checkClock(ctx); err != nil {
		return err
	}
	teardown.add(d.resyncs.recallLeft) // when the lanes have ended
	stopLanes := d.startLanes(ctx)
	teardown.add(stopLanes)
	stopResyncs, err := d.startResyncs(ctx)
	teardown.add(stopResyncs)
	if err != nil {
		return err
	}
	stopAPI, err := d.startAPI(listener, stop)
	if err != nil {
		return err
	}
	teardown.add(stopAPI)
	if stopMetrics, err := d.startMetrics(ctx, stop); err != nil {
		return err
	} else if stopMetrics != nil {
		teardown.add(stopMetrics)
	}
	if d.opts.Prepare != nil {
		if err := d.opts.Prepare(ctx); err != nil {
			return err
		}
	}
	teardown.add(d.stopFeeds)
	if err := d.applySources(ctx, d.config.Sources); err != nil {
		return err
	}
	systemd := startSystemd(d.log, d.alive)
	teardown.add(systemd.stopping)

	d.log.Info("dz is ready", "version", d.opts.Version.Version, "store", d.config.Store.Path,
		"socket", listener.Addr().String(), "sources", len(d.feeds), "endpoints", len(d.registry.all()))
	systemd.ready()
	if d.opts.started != nil {
		d.opts.started(d)
	}
	if d.opts.Ready != nil {
		d.opts.Ready()
	}
	return d.wait(ctx, systemd)
}

// wait does what is due by the clock, until ctx ends.
func (d *Daemon) wait(ctx context.Context, systemd *systemd) error {
	maintain := time.NewTicker(maintainEvery)
	defer maintain.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var idle <-chan time.Time
	if d.opts.UntilIdle {
		ticker := time.NewTicker(idleEvery)
		defer ticker.Stop()
		idle = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			d.log.Info("stopping", "attemptsUnderWay", d.underWay(), "grace", attemptGrace.String())
			return nil
		case c := <-d.opts.Reload:
			systemd.reloading()
			d.reload(ctx, c)
			systemd.ready()
		case <-maintain.C:
			if err := d.store.Maintain(ctx, d.now()); err != nil && ctx.Err() == nil {
				d.log.Error("can't tidy up the store; trying again in a minute", "error", err)
			}
			d.removeTemporary(ctx)
		case <-look.C:
			if err := d.damage(); err != nil {
				return err
			}
			d.logObstacles()
			if d.clock.look() {
				d.rewind(ctx)
			}
		case <-idle:
			done, err := d.finished(ctx)
			if done || err != nil {
				return err
			}
		}
	}
}

// startLanes runs the lanes. They begin no attempt any more once ctx ends. It
// returns what waits for them: attempts under way may go on for a while, and are
// recorded.
func (d *Daemon) startLanes(ctx context.Context) (stop func() error) {
	claiming, stopClaiming := context.WithCancel(ctx)
	attempts, breakOff := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	d.registry.run(func(l *lane) func() {
		ctx, stopLane := context.WithCancel(claiming)
		wg.Go(func() {
			l.run(ctx, attempts)
			d.sender.Forget(l.settings.Load().ep.ID)
		})
		return stopLane
	})
	return func() error {
		stopClaiming()
		grace := time.AfterFunc(attemptGrace, breakOff)
		defer grace.Stop()
		defer breakOff()
		wg.Wait()
		return nil
	}
}

// startAPI serves the admin API on the socket.
func (d *Daemon) startAPI(listener net.Listener, fail context.CancelCauseFunc) (stop func() error, err error) {
	policy, err := policyOf(d.config.Socket)
	if err != nil {
		return nil, err
	}
	server, err := admin.New(admin.Config{
		Service: (*service)(d), Policy: policy, Version: d.opts.Version.Version,
		Metrics: d.metrics.handler(), Log: d.log,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(ctx, listener); err != nil {
			fail(err)
		}
	}()
	return func() error {
		cancel()
		<-ended
		return nil
	}, nil
}

// underWay counts requests that have not been answered.
func (d *Daemon) underWay() (n int) {
	for _, l := range d.registry.all() {
		n += l.underWay()
	}
	return n
}

// alive reports whether the daemon can do its work, for the watchdog.
func (d *Daemon) alive(ctx context.Context) error {
	_, err := d.store.Stats(ctx)
	return err
}
