package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// scrapeTimeout bounds one answer of /metrics.
const scrapeTimeout = 10 * time.Second

// metrics are what Prometheus is told. What the store counts is read from it at
// every scrape, so that it survives a restart; times are measured here.
type metrics struct {
	daemon   *Daemon
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	delay    prometheus.Histogram

	build, ingested, rejected, owed, coalesced, delivered, failed *prometheus.Desc
	debts, endpointUp, lag, sourceUp, storeSize, storeMax         *prometheus.Desc
	heldDeletions, tracked, skipped                               *prometheus.Desc
	resyncRunning, resyncStarted, resyncFound                     *prometheus.Desc
}

func newMetrics(d *Daemon) *metrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dz_"+name, help, labels, nil)
	}
	m := &metrics{
		daemon: d, registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dz_attempt_duration_seconds", Help: "How long attempts took, by verdict.",
			Buckets: []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 100},
		}, []string{"verdict", "reason"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dz_attempt_delay_seconds", Help: "How long after they were due attempts began.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 30, 60, 300, 3600},
		}),
		build:         describe("build_info", "Always 1; the version is a label.", "version", "go"),
		ingested:      describe("events_ingested_total", "Events taken in."),
		rejected:      describe("events_rejected_total", "Input that could not be read as an event."),
		owed:          describe("changes_owed_total", "Changes that endpoints wanted.", "endpoint"),
		coalesced:     describe("changes_coalesced_total", "Of them, those told together with another.", "endpoint"),
		delivered:     describe("attempts_delivered_total", "Attempts that succeeded.", "endpoint"),
		failed:        describe("attempts_failed_total", "Attempts that failed.", "endpoint"),
		debts:         describe("debts", "What is owed now. Failed debts wait for a person.", "endpoint", "state"),
		endpointUp:    describe("endpoint_healthy", "1 if the endpoint is healthy, 0 if it is sick, gone or disabled.", "endpoint", "state"),
		heldDeletions: describe("endpoint_held_deletions", "Deletions that wait to be released, being too many at a time.", "endpoint"),
		tracked:       describe("endpoint_tracked_assets", "Assets that the endpoint has acknowledged.", "endpoint"),
		skipped:       describe("endpoint_skipped_total", "Changes that did not matter to the endpoint.", "endpoint", "reason"),
		resyncRunning: describe("resync_running", "1 while a synchronisation looks for what is to be told.", "endpoint"),
		resyncStarted: describe("resync_started_timestamp_seconds", "When the last synchronisation began.", "endpoint"),
		resyncFound:   describe("resync_found", "Assets that the last synchronisation has found, by what is to be done.", "endpoint", "action"),
		lag:           describe("source_lag_bytes", "Not read yet; -1 if unknown.", "source"),
		sourceUp:      describe("source_ok", "1 if nothing hinders reading.", "source"),
		storeSize:     describe("store_size_bytes", "Size of the store's file."),
		storeMax:      describe("store_max_size_bytes", "Limit of the store's file; 0 is unlimited."),
	}
	m.registry.MustRegister(m, m.duration, m.delay,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// attempt measures one attempt that began so long after it was due.
func (m *metrics) attempt(o attempt.Outcome, delay time.Duration) {
	m.duration.WithLabelValues(o.Verdict.String(), string(o.Reason)).Observe(o.Duration.Seconds())
	m.delay.Observe(max(delay, 0).Seconds())
}

// Describe announces what Collect reads from the store.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.build, m.ingested, m.rejected, m.owed, m.coalesced, m.delivered, m.failed,
		m.debts, m.endpointUp, m.lag, m.sourceUp, m.storeSize, m.storeMax,
		m.heldDeletions, m.tracked, m.skipped, m.resyncRunning, m.resyncStarted, m.resyncFound,
	} {
		ch <- d
	}
}

// Collect reads the state.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	d := m.daemon
	stats, err := d.store.Stats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.ingested, err)
		return
	}
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	counter := func(desc *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	}
	gauge(m.build, 1, d.opts.Version.Version, d.opts.Version.Go)
	counter(m.ingested, stats.Ingested)
	counter(m.rejected, stats.Rejected)
	gauge(m.storeSize, float64(stats.Size))
	gauge(m.storeMax, float64(stats.MaxSize))
	for _, s := range d.sourceStatus() {
		gauge(m.lag, float64(s.LagBytes), s.Name)
		gauge(m.sourceUp, boolean(s.Error == ""), s.Name)
	}
	for _, l := range d.registry.all() {
		status, debts, err := d.laneStatus(ctx, l, stats, d.now())
		if err != nil {
			ch <- prometheus.NewInvalidMetric(m.debts, err)
			return
		}
		counts := stats.Endpoints[l.settings.Load().ep.ID]
		counter(m.owed, counts.Owed, status.Name)
		counter(m.coalesced, counts.Coalesced, status.Name)
		counter(m.delivered, counts.Delivered, status.Name)
		counter(m.failed, counts.Attempts, status.Name)
		gauge(m.endpointUp, boolean(status.State == "healthy"), status.Name, status.State)
		for state, n := range map[string]uint64{
			"waiting": debts.Waiting, "due": debts.Due, "in_flight": debts.InFlight,
			"retrying": debts.Retrying, "failed": debts.Failed, "held": debts.Held,
		} {
			gauge(m.debts, float64(n), status.Name, state)
		}
		if _, _, err := trackerOf(l); err != nil {
			continue
		}
		gauge(m.heldDeletions, float64(status.Held), status.Name)
		gauge(m.tracked, float64(status.Tracked), status.Name)
		skips, err := d.store.Skips(ctx, l.settings.Load().ep.ID)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(m.skipped, err)
			return
		}
		for reason, n := range skips {
			counter(m.skipped, n, status.Name, string(reason))
		}
		if job := status.Resync; job != nil {
			gauge(m.resyncRunning, boolean(job.Running()), status.Name)
			gauge(m.resyncStarted, float64(job.Started.UnixNano())/1e9, status.Name)
			for action, n := range map[string]uint64{
				"create": job.Found.Create, "update": job.Found.Update, "delete": job.Found.Delete, "unchanged": job.Found.Unchanged,
			} {
				gauge(m.resyncFound, float64(n), status.Name, action)
			}
		}
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: scrapeTimeout})
}

// startMetrics serves /metrics over TCP, if that is configured, and nothing else.
func (d *Daemon) startMetrics(ctx context.Context, fail context.CancelCauseFunc) (stop func() error, err error) {
	address := d.config.Metrics.Listen
	if address == "" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", d.metrics.handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: scrapeTimeout, WriteTimeout: 2 * scrapeTimeout, IdleTimeout: time.Minute}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve metrics: %w", err))
		}
	}()
	d.log.Info("metrics are served", "address", listener.Addr().String())
	return server.Close, nil
}
