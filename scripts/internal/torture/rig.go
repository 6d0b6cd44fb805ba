package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// mostMemory is how much memory dz may have at most, in bytes, unless a scenario
// needs more. It is beside its store, which is mapped: that part of the system's
// cache counts as resident, and grows with the file alone.
const mostMemory = 256 << 20

const (
	// readyWithin is how long a dz may take to answer.
	readyWithin = 30 * time.Second
	// callWithin is how long one call of its API may take.
	callWithin = 10 * time.Second
	lookEvery  = 20 * time.Millisecond
)

// rig is what a scenario has to work with: a folder, a dz that is started and
// ended again and again, its receiver, the file it tails, and the ledger.
type rig struct {
	opts   options
	name   string
	dir    string
	log    *os.File // what dz says
	stderr io.Writer

	ledger   *ledger.Ledger
	receiver *receiver
	spool    *spool
	pulse    *pulse
	extra    string // more configuration

	program    string   // the dz to run
	variables  []string // of its environment
	storePath  string
	storeExtra string // more settings of the store, as in ", compact: always"

	logLevel string

	noEvents int // lines that were written and are no events

	counts ledger.Counts // by the scenario itself, beside those of the ledger
	notes  []string
	faults []string
	peak   int64 // bytes of RSS
	// mostMemory bounds peak: loosely, for it is memory without bounds that is a fault.
	mostMemory int64
	mapped     int64    // the most that the store had
	secrets    []string // that are nowhere to be found

	mu     sync.Mutex // guards the faults, too, while there is more than one who finds some
	dz     *process.Process
	client *api.Client
}

func newRig(name string, opts options, stderr io.Writer) (r *rig, err error) {
	dir, err := newFolder()
	if err != nil {
		return nil, err
	}
	r = &rig{
		opts: opts, name: name, dir: dir, stderr: stderr, ledger: ledger.New(),
		client: &api.Client{Socket: filepath.Join(dir, "s", "dz.sock")}, program: opts.dz, storePath: filepath.Join(dir, "store", "dz.db"),
		mostMemory: mostMemory, logLevel: "warn",
	}
	r.spool = newSpool(filepath.Join(dir, "events.ndjson"), r.ledger, chance(opts.seed, name, "spool"))
	if r.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if r.receiver, err = newReceiver(r.ledger, opts.seed); err != nil {
		return nil, errors.Join(err, r.log.Close(), os.RemoveAll(dir))
	}
	if r.pulse, err = startPulse(filepath.Join(dir, "pulse")); err != nil {
		return nil, errors.Join(err, r.receiver.close(), r.log.Close(), os.RemoveAll(dir))
	}
	return r, nil
}

// close ends what the scenario has left running.
func (r *rig) close(ctx context.Context) error {
	var err error
	if r.running() {
		r.remember()
		err = r.stop(context.WithoutCancel(ctx))
	}
	r.durableWithin()
	return errors.Join(err, r.pulse.end(), r.spool.close(), r.receiver.close())
}

// cleanUp removes the folder, or says where it is.
func (r *rig) cleanUp(faulty bool) {
	if err := r.log.Close(); err != nil {
		r.tell("%v", err)
	}
	if faulty {
		printEnd(r.stderr, r.log.Name())
	}
	if faulty && r.opts.keep {
		r.tell("kept %s", r.dir)
		return
	}
	if err := os.RemoveAll(r.dir); err != nil {
		r.tell("%v", err)
	}
}

// printEnd shows what dz said last.
func printEnd(w io.Writer, path string) {
	const most = 4 << 10
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return
	}
	fmt.Fprintf(w, "dz said last:\n%s\n", text[max(0, len(text)-most):])
}

func (r *rig) tell(format string, args ...any) {
	fmt.Fprintf(r.stderr, "%s: %s\n", r.name, fmt.Sprintf(format, args...))
}

// note adds to what is printed behind the table.
func (r *rig) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// fault says that something is wrong.
func (r *rig) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *rig) store() string { return r.storePath }

// configure writes the configuration.
func (r *rig) configure() (string, error) {
	path := filepath.Join(r.dir, "dz.yaml")
	level := r.logLevel
	if r.opts.keep {
		level = "debug" // somebody will want to read it
	}
	text := fmt.Sprintf("socket: {path: %q}\nlog: {level: %s}\nsources: [{name: spool, type: file, path: %q}]\n",
		r.client.Socket, level, r.spool.path)
	if r.extra == "" {
		text += fmt.Sprintf("store: {path: %q%s}\n", r.store(), r.storeExtra)
	}
	return path, os.WriteFile(path, []byte(text+r.extra), 0o600)
}

// launch starts dz, and does not wait for it.
func (r *rig) launch(ctx context.Context) error {
	config, err := r.configure()
	if err != nil {
		return err
	}
	// It lives until it is ended: what ctx bounds may be only a part of the scenario.
	p, err := process.Start(context.WithoutCancel(ctx), process.Launch{
		Program: r.program, Args: []string{"serve", "--config", config}, Log: r.log, Extra: r.variables,
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dz, r.client = p, &api.Client{Socket: r.client.Socket}
	return nil
}

// start starts dz, and returns how long it took to answer.
func (r *rig) start(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	if err := r.launch(ctx); err != nil {
		return 0, err
	}
	err := process.Until(ctx, 2*time.Millisecond, readyWithin, "dz answers", func() (bool, error) {
		if !r.running() {
			return false, fmt.Errorf("dz has ended: %w", r.process().Terminate())
		}
		_, err := r.status(ctx)
		if isUnreachable(err) {
			return false, nil
		}
		return err == nil, err
	})
	return time.Since(begun), err
}

func isUnreachable(err error) bool {
	var failed *api.Error
	return errors.As(err, &failed) && failed.Code == api.CodeUnreachable
}

func (r *rig) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dz != nil && r.dz.Running()
}

func (r *rig) process() *process.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dz
}

// api returns a client of the dz that runs now.
func (r *rig) api() *api.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client
}

// kill ends dz with SIGKILL. When it returns, no request of it can come in any
// more.
func (r *rig) kill(ctx context.Context) error {
	r.remember()
	end := ledger.End{Killed: true, Open: r.receiver.underWay(), At: time.Now()}
	if err := r.process().Kill(); err != nil {
		return fmt.Errorf("kill dz: %w", err)
	}
	if err := r.receiver.drain(ctx); err != nil {
		return err
	}
	r.ledger.Ended(end)
	return nil
}

// stop ends dz with SIGTERM.
func (r *rig) stop(ctx context.Context) error {
	end := ledger.End{Open: r.receiver.underWay(), At: time.Now()}
	if err := r.process().Terminate(); err != nil {
		return fmt.Errorf("stop dz: %w", err)
	}
	if err := r.receiver.drain(ctx); err != nil {
		return err
	}
	r.ledger.Ended(end)
	return nil
}

// durableWithin is how long a good answer may take to become durable, as the machine
// is. The ledger is told.
func (r *rig) durableWithin() time.Duration {
	r.ledger.Hiccup(time.Duration(r.pulse.worst.Load()))
	return r.ledger.DurableWithin()
}

// remember keeps how much memory dz had at most.
func (r *rig) remember() {
	if m, err := r.process().Memory(); err == nil { // else it has ended, which others see
		r.peak = max(r.peak, m.Peak)
	}
	if info, err := os.Stat(r.store()); err == nil { // else it was not made yet
		r.mapped = max(r.mapped, info.Size())
	}
}

// judgeMemory says so if dz had too much.
func (r *rig) judgeMemory() {
	if r.peak-r.mapped > r.mostMemory {
		r.fault("dz had %d MiB of memory at most with a store of %d MiB, more than %d beside it", r.peak>>20, r.mapped>>20, r.mostMemory>>20)
	}
}

// status asks dz how it is, and tells the ledger how far it has read.
func (r *rig) status(ctx context.Context) (api.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	s, err := r.api().Status(ctx)
	if err == nil {
		r.ledger.Ingested(s.Events.Ingested)
	}
	return s, err
}

// until asks dz how it is until something is so.
func (r *rig) until(ctx context.Context, limit time.Duration, what string, so func(api.Status) bool) error {
	return process.Until(ctx, lookEvery, limit, what, func() (bool, error) {
		s, err := r.status(ctx)
		return err == nil && so(s), err
	})
}

// rejected returns why dz rejected what. That a file which had been read was
// removed while dz was down is no fault: dz can't know that nothing followed.
func (r *rig) rejected(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var reasons []string
	for line, err := range r.api().EachRejected(ctx, api.RejectedQuery{}) {
		if err != nil {
			return nil, err
		}
		if line.Length > 0 || !strings.Contains(line.Reason, "while dz was down") {
			reasons = append(reasons, line.Reason)
		}
	}
	return reasons, nil
}

// settle waits until dz has nothing to do, and checks that it has taken every
// line in once, and delivered everything.
func (r *rig) settle(ctx context.Context, limit time.Duration) error {
	var last api.Status
	err := r.until(ctx, limit, "everything is delivered", func(s api.Status) bool {
		last = s
		return s.Idle && s.Events.Ingested >= r.ledger.Written()
	})
	if err != nil {
		return fmt.Errorf("%w: ingested %d of %d, debts %+v, sources %+v", err, last.Events.Ingested, r.ledger.Written(), last.Debts, last.Sources)
	}
	rejected, err := r.rejected(ctx)
	if err != nil {
		return err
	}
	if last.Events.Ingested != r.ledger.Written() || len(rejected) != r.noEvents {
		r.fault("%d events and %d other lines were written, %d taken in, %d rejected: %q", r.ledger.Written(), r.noEvents,
			last.Events.Ingested, len(rejected), rejected[:min(3, len(rejected))])
	}
	if missing := r.ledger.Missing(); missing > 0 {
		r.fault("dz is idle, and %d objects were not delivered", missing)
	}
	r.remember()
	return nil
}
