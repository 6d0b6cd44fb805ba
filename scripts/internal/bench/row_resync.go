package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

const (
	resyncBatch       = 200
	resyncConcurrency = 8 // dz's by default
	resyncWithin      = 5 * time.Minute
)

// resyncRow measures a managed integration that is synchronised again, all of it,
// beside a bare client that posts the same requests, already built, and how soon dz
// sees after that that nothing has changed.
func (b *bench) resyncRow(ctx context.Context) error {
	return b.serveNew(ctx, "resync", usual, func(d *daemon) error {
		r := &resyncing{bench: b, daemon: d, assets: b.sizes.assets, kept: filepath.Join(d.dir, "requests")}
		return r.run(ctx)
	})
}

// resyncing is the row under way.
type resyncing struct {
	*bench
	daemon *daemon
	assets int
	what   string // the assets are
	reads  bool   // the receiver reads them
	kept   string // the file of the requests that the bare client posts
}

// resynced is what one synchronisation cost.
type resynced struct {
	took         time.Duration // from its start until the last asset came
	cpu, sinkCPU time.Duration
	tally        shopTally
	job          api.ResyncState
}

func (r *resynced) rate() float64 { return float64(r.tally.Distinct) / r.took.Seconds() }

func (r *resyncing) run(ctx context.Context) error {
	imported, err := r.importAssets(ctx)
	if err != nil {
		return err
	}
	create := api.EndpointCreate{Name: "shop", EndpointUpdate: api.EndpointUpdate{
		URL: api.Set(r.sink.Hook + shopPath), Style: api.Set("managed"), Concurrency: api.Set(resyncConcurrency),
		Options: map[string]any{"maxBatchSize": resyncBatch},
	}}
	if _, err := r.daemon.client.CreateEndpoint(ctx, create); err != nil {
		return fmt.Errorf("register endpoint: %w", err)
	}
	// The first gives every asset its state, the second has the requests that are
	// kept, the third the same once more, and nothing else to do.
	first, err := r.resync(ctx, "the first resync", api.ResyncOrder{}, r.assets, "")
	if err != nil {
		return err
	}
	if _, err := r.resync(ctx, "the second resync", api.ResyncOrder{}, r.assets, r.kept); err != nil {
		return err
	}
	before, err := r.postKept(ctx)
	if err != nil {
		return err
	}
	keeping, err := r.postKept(ctx, "-store", r.kept+".db")
	if err != nil {
		return err
	}
	full, err := r.resyncs(ctx, "the full resync")
	if err != nil {
		return err
	}
	reading, err := r.besideReading(ctx)
	if err != nil {
		return err
	}
	changed, err := r.resync(ctx, "the resync of what has changed", api.ResyncOrder{Changed: true}, 0, "")
	if err != nil {
		return err
	}
	if found := changed.job.Found; found.Unchanged != uint64(r.assets) || found.Told() != 0 {
		r.report.wrong("resync: right after a full one, --changed finds %+v", found)
	}
	m, err := r.daemon.Memory()
	if err != nil {
		return err
	}
	afterwards, err := r.postKept(ctx)
	if err != nil {
		return err
	}
	r.tellOf(imported, first, full, changed, m.Peak, before, afterwards)
	r.report.add(measured("resync", "  beside one that keeps states in bbolt", full.rate(), "/s").beside("bare client, bbolt", keeping.rate).
		noted("it reads the assets and keeps the answers, and does nothing else; it reaches %.2f of the bare client's rate",
			2*keeping.rate/(before.rate+afterwards.rate)))
	r.report.add(reading)
	return nil
}

// besideReading measures the same with a receiver that reads every asset: what dz
// adds weighs less where the receiver does something.
func (r *resyncing) besideReading(ctx context.Context) (result, error) {
	r.reads = true
	defer func() { r.reads = false }()
	before, err := r.postKept(ctx)
	if err != nil {
		return result{}, err
	}
	full, err := r.resyncs(ctx, "the resync of a receiver that reads the assets")
	if err != nil {
		return result{}, err
	}
	afterwards, err := r.postKept(ctx)
	return measured("resync", "full resync, the receiver reads each asset", full.rate(), "/s").
		beside("bare client", (before.rate+afterwards.rate)/2).
		noted("the receiver takes %.0f µs an asset for dz", float64(full.sinkCPU.Microseconds())/float64(r.assets)), err
}

// tellOf adds the results.
func (r *resyncing) tellOf(imported time.Duration, first, full, changed resynced, peak int64, before, afterwards bare) {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(r.assets) }
	batch := float64(r.assets) / float64(max(1, full.tally.Requests))
	r.report.add(
		measured("resync", "full resync, batches of "+strconv.Itoa(resyncBatch), full.rate(), "/s").
			beside("bare client", (before.rate+afterwards.rate)/2).ratioAtLeast(0.5).
			noted("%s %s; %d requests of %s assets on average; the first resync %s/s, the import %s/s", number(float64(r.assets)), r.what,
				full.tally.Requests, number(batch), number(first.rate()), number(float64(r.assets)/imported.Seconds())),
		measured("resync", "  processor time an asset", each(full.cpu), "µs").
			beside("bare client", each(before.cpu+afterwards.cpu)/2).
			noted("the receiver takes %.0f µs for dz", each(full.sinkCPU)),
		measured("resync", "  memory at most", mb(peak), "MB").atMost(256),
		measured("resync", "--changed right after it", changed.took.Seconds(), "s").atMost(10).
			noted("%s unchanged, %d requests", number(float64(changed.job.Found.Unchanged)), changed.tally.Requests),
	)
}

// importAssets fills dz's catalogue, and returns how long it took.
func (r *resyncing) importAssets(ctx context.Context) (time.Duration, error) {
	path := filepath.Join(r.daemon.dir, "assets.ndjson")
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(path) }() // its folder goes later
	r.what, err = artworks(file, r.assets)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, errors.Join(err, file.Close())
	}
	begun := time.Now()
	result, err := r.daemon.client.ImportAssets(ctx, file, begun, nil)
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, fmt.Errorf("import assets: %w", err)
	}
	if result.Imported != r.assets {
		return 0, fmt.Errorf("%d of %d assets were imported", result.Imported, r.assets)
	}
	return time.Since(begun), nil
}

// fullTimes is how often all is synchronised, or posted, for one result: one alone takes
// half a second and less, in which much may come between.
const fullTimes = 3

// resyncs has dz synchronise the whole shop some times, and returns the one in the middle
// by its rate.
func (r *resyncing) resyncs(ctx context.Context, what string) (resynced, error) {
	var all []resynced
	for range fullTimes {
		one, err := r.resync(ctx, what, api.ResyncOrder{}, r.assets, "")
		if err != nil {
			return resynced{}, err
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b resynced) int { return cmp.Compare(a.took, b.took) })
	return all[len(all)/2], nil
}

// resync has dz synchronise the shop, holds it to telling so many assets once each,
// and waits until nothing is owed. A path is where the requests are to be kept.
func (r *resyncing) resync(ctx context.Context, what string, order api.ResyncOrder, told int, path string) (resynced, error) {
	var result resynced
	if err := r.beginRound(ctx, true, path); err != nil {
		return result, err
	}
	cpu, sinkCPU, err := r.processorTimes(r.daemon)
	if err != nil {
		return result, err
	}
	begun := time.Now()
	if _, err := r.daemon.client.StartResync(ctx, "shop", order); err != nil {
		return result, err
	}
	err = process.Until(ctx, lookEvery, resyncWithin, what+" is told", func() (bool, error) {
		var err error
		result.job, err = r.daemon.client.Resync(ctx, "shop")
		return err == nil && !result.job.Running() && result.job.Remaining == 0, err
	})
	if err != nil {
		return result, fmt.Errorf("%w (%+v)", err, result.job)
	}
	result.took = time.Since(begun)
	if err := r.daemon.waitIdle(ctx); err != nil {
		return result, err
	}
	cpuNow, sinkCPUNow, err := r.processorTimes(r.daemon)
	if err != nil {
		return result, err
	}
	result.cpu, result.sinkCPU = cpuNow-cpu, sinkCPUNow-sinkCPU
	if result.tally, err = r.shopTally(ctx); err != nil {
		return result, err
	}
	if told > 0 {
		result.took = time.Duration(result.tally.Last - begun.UnixNano())
	}
	for _, fault := range result.tally.faults(told, r.assets) {
		r.report.wrong("resync: %s: %s", what, fault)
	}
	if result.job.Phase != api.ResyncDone || result.job.Failed+result.job.Held > 0 {
		r.report.wrong("resync: %s has ended so: %+v", what, result.job)
	}
	return result, nil
}

// faults says what is wrong if each of so many assets was to be told once, and the
// shop was to have all.
func (t shopTally) faults(told, all int) []string {
	faults := t.Faults
	if t.Wrong > int64(len(faults)) {
		faults = append(faults, fmt.Sprintf("%d faults in all", t.Wrong))
	}
	if t.Distinct != int64(told) || t.Repeated != 0 {
		faults = append(faults, fmt.Sprintf("%d assets were told, and %d once more, of %d", t.Distinct, t.Repeated, told))
	}
	if t.Holds != int64(all) {
		faults = append(faults, fmt.Sprintf("the receiver has %d assets of %d", t.Holds, all))
	}
	if t.Largest > resyncBatch {
		faults = append(faults, fmt.Sprintf("a request of %d actions", t.Largest))
	}
	return faults
}

// beginRound has the shop count anew, and judge what comes or not.
func (r *resyncing) beginRound(ctx context.Context, judges bool, path string) error {
	query := url.Values{"judges": {strconv.FormatBool(judges)}, "reads": {strconv.FormatBool(r.reads)}, "capture": {path}}
	return r.sink.post(ctx, "/shop/round?"+query.Encode())
}

func (r *resyncing) shopTally(ctx context.Context) (shopTally, error) {
	var t shopTally
	text, err := r.sink.ask(ctx, http.MethodGet, "/shop/tally")
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, err
}

// postKept posts the requests that were kept, some times, and returns the one in the
// middle. The rate is of assets.
func (r *resyncing) postKept(ctx context.Context, more ...string) (bare, error) {
	var all []bare
	for range fullTimes {
		one, err := r.postKeptOnce(ctx, more...)
		if err != nil {
			return bare{}, err
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b bare) int { return cmp.Compare(a.rate, b.rate) })
	return all[len(all)/2], nil
}

func (r *resyncing) postKeptOnce(ctx context.Context, more ...string) (bare, error) {
	if err := r.beginRound(ctx, false, ""); err != nil {
		return bare{}, err
	}
	result, err := r.runBare(ctx, r.assets, append([]string{
		"-url", r.sink.Hook + shopPath, "-bodies", r.kept, "-concurrency", strconv.Itoa(resyncConcurrency),
	}, more...)...)
	if err != nil {
		return bare{}, err
	}
	t, err := r.shopTally(ctx)
	if err == nil && t.Distinct != int64(r.assets) {
		err = fmt.Errorf("the bare client has posted %d assets of %d", t.Distinct, r.assets)
	}
	return result, err
}
