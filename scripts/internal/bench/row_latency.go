package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// latency measures how long after its event a request begins, beyond the
// debounce: from the moment the DAM writes the line to the moment the receiver's
// handler is called.
func (b *bench) latency(ctx context.Context) error {
	for _, c := range []struct {
		rate     int // events a second
		debounce time.Duration
		lasts    time.Duration
		goal     float64 // of p99, in ms
	}{
		{rate: 1000, lasts: b.sizes.latency, goal: 10},
		{rate: 1000, debounce: time.Second, lasts: b.sizes.latency, goal: 10},
		{rate: 5, lasts: b.sizes.rest, goal: 5},
	} {
		events := int(float64(c.rate) * c.lasts.Seconds())
		var delays []float64
		err := b.serveNew(ctx, fmt.Sprintf("latency-%d-%v", c.rate, c.debounce), usual, func(d *daemon) error {
			var err error
			delays, err = b.delays(ctx, d, events, c.rate, c.debounce)
			return err
		})
		if err != nil {
			return err
		}
		if fault := early(delays, c.debounce); fault != "" {
			b.report.wrong("latency: %s", fault)
		}
		what := fmt.Sprintf("event → request at %s/s, debounce %v: p99", number(float64(c.rate)), c.debounce)
		b.report.add(measured("latency", what, quantile(delays, 0.99), "ms").atMost(c.goal).
			noted("p50 %s ms, p90 %s ms, max %s ms, %s events", number(quantile(delays, 0.5)), number(quantile(delays, 0.9)),
				number(quantile(delays, 1)), number(float64(events))))
	}
	return nil
}

// early says what is wrong if a request began before it may: a debounce that is
// not kept would else look like a very short delay.
func early(delays []float64, debounce time.Duration) string {
	before, _ := slices.BinarySearch(delays, 0)
	if before == 0 {
		return ""
	}
	return fmt.Sprintf("%d requests began up to %s ms too early, at a debounce of %v", before, number(-delays[0]), debounce)
}

// delays writes events at a steady rate, and returns each one's delay beyond the
// debounce in milliseconds, sorted.
func (b *bench) delays(ctx context.Context, d *daemon, events, rate int, debounce time.Duration) ([]float64, error) {
	if err := b.sink.reset(ctx, events); err != nil {
		return nil, err
	}
	if err := b.register(ctx, d, "receiver", debounce.String(), 8); err != nil {
		return nil, err
	}
	written, err := writeSteadily(ctx, d.spool(), events, time.Second/time.Duration(rate))
	if err != nil {
		return nil, err
	}
	if _, err := b.sink.waitDistinct(ctx, events, time.Minute); err != nil {
		return nil, err
	}
	if err := d.waitIdle(ctx); err != nil {
		return nil, err
	}
	arrivals, err := b.sink.arrivals(ctx)
	if err != nil {
		return nil, err
	}
	delays := make([]float64, events)
	for i := range delays {
		delays[i] = float64(arrivals[i]-written[i]-debounce.Nanoseconds()) / 1e6
	}
	slices.Sort(delays)
	return delays, b.checkTally(ctx, "latency", events)
}

// writeSteadily appends an event each time, about another object, as a DAM does,
// and returns when each was written, in Unix nanoseconds.
func writeSteadily(ctx context.Context, path string, events int, every time.Duration) (written []int64, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := newWriter()
	begun := time.Now()
	for i := range events {
		if err := process.Pause(ctx, time.Until(begun.Add(time.Duration(i)*every))); err != nil {
			return nil, err
		}
		line := w.line(i)
		written = append(written, time.Now().UnixNano())
		if _, err := file.Write(line); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// quantile returns the smallest value that is not less than the share of all.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(share*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}
