package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// never is a debounce that outlasts the run, so that nothing is sent and ingest
// is measured alone.
const never = "1h"

// ingestRow measures how fast events become durable: without an endpoint, beside
// what decoding them costs at least; with one endpoint, where they merge into
// debts; and with ten, beside one.
func (b *bench) ingestRow(ctx context.Context) error {
	bareJSON, decode, err := decodeRates()
	if err != nil {
		return err
	}
	alone, err := b.ingest(ctx, b.sizes.ingest, b.sizes.objects, 0)
	if err != nil {
		return err
	}
	merging, err := b.ingest(ctx, b.sizes.ingest, b.sizes.objects, 1)
	if err != nil {
		return err
	}
	one, err := b.ingest(ctx, b.sizes.fanOut, b.sizes.fanOut/2, 1)
	if err != nil {
		return err
	}
	ten, err := b.ingest(ctx, b.sizes.fanOut, b.sizes.fanOut/2, 10)
	if err != nil {
		return err
	}
	b.report.add(
		measured("ingest", "no endpoint", alone.rate, "events/s").beside("event.Decode", decode).atLeast(60_000).
			noted("encoding/json alone %s/s; %d bytes an event; %.1f µs of processor time; peak %.0f MiB",
				number(bareJSON), eventBytes, alone.cpu, mib(alone.peak)),
		measured("ingest", "one endpoint, "+number(float64(b.sizes.objects))+" objects", merging.rate, "events/s").
			beside("no endpoint", alone.rate).atLeast(25_000).
			noted("%s events; %.1f µs of processor time; peak %.0f MiB", number(float64(b.sizes.ingest)), merging.cpu, mib(merging.peak)),
		measured("ingest", "ten endpoints", ten.rate, "events/s").beside("one endpoint", one.rate).ratioAtLeast(0.3).
			noted("%s events, %s objects; %.1f µs of processor time; peak %.0f MiB", number(float64(b.sizes.fanOut)),
				number(float64(b.sizes.fanOut/2)), ten.cpu, mib(ten.peak)),
	)
	return nil
}

// intake is what taking events in cost.
type intake struct {
	rate float64 // events a second
	cpu  float64 // µs an event
	peak int64
}

func (b *bench) ingest(ctx context.Context, events, objects, endpoints int) (intake, error) {
	var in intake
	err := b.serveNew(ctx, fmt.Sprintf("ingest-%d-%d", events, endpoints), usual, func(d *daemon) error {
		if err := newWriter().write(d.draft(), events, objects); err != nil {
			return err
		}
		for i := range endpoints {
			if err := b.register(ctx, d, fmt.Sprintf("receiver-%d", i), never, 8); err != nil {
				return err
			}
		}
		before, err := d.CPU()
		if err != nil {
			return err
		}
		begun, err := d.publish()
		if err != nil {
			return err
		}
		took, err := d.waitIngested(ctx, events, begun, 5*time.Minute)
		if err != nil {
			return err
		}
		after, err := d.CPU()
		if err != nil {
			return err
		}
		status, err := d.client.Status(ctx)
		if err != nil {
			return err
		}
		if want := uint64(endpoints * objects); status.Debts.Waiting != want {
			b.report.wrong("ingest: %d debts of %d objects at %d endpoints, not %d", status.Debts.Waiting, objects, endpoints, want)
		}
		m, err := d.Memory()
		in = intake{
			rate: float64(events) / took.Seconds(), cpu: float64((after - before).Microseconds()) / float64(events), peak: m.Peak,
		}
		return err
	})
	return in, err
}

// decodeRates measures, in one goroutine, how many events a second encoding/json
// takes apart into what an event must have, and how many event.Decode.
func decodeRates() (bareJSON, decode float64, err error) {
	w := newWriter()
	lines := make([][]byte, 1000)
	for i := range lines {
		line := w.line(i)
		lines[i] = append([]byte(nil), line[:len(line)-1]...)
	}
	type least struct {
		ID, Source, Type string
		Data             struct{ ItemID, BaseID json.RawMessage }
	}
	if bareJSON, err = rate(lines, func(line []byte) error { return json.Unmarshal(line, new(least)) }); err != nil {
		return 0, 0, err
	}
	decode, err = rate(lines, func(line []byte) error {
		_, err := event.Decode(line)
		return err
	})
	return bareJSON, decode, err
}

// rate returns how many lines a second do does.
func rate(lines [][]byte, do func([]byte) error) (float64, error) {
	begun, done := time.Now(), 0
	for time.Since(begun) < 500*time.Millisecond {
		for _, line := range lines {
			if err := do(line); err != nil {
				return 0, err
			}
		}
		done += len(lines)
	}
	return float64(done) / time.Since(begun).Seconds(), nil
}
