package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// never is a debounce that outlasts the run, so that nothing is sent and ingest
// is measured alone.
const never = "1h"

// ingestRow measures how fast events become durable: without an endpoint, also
// events that carry snapshots of assets; with one, where they merge into debts;
// and with ten, beside one. Its yardsticks are what encoding/json takes to decode
// an event in one goroutine, and what bbolt itself takes: the events as they are,
// and records as large as the debts that were made.
func (b *bench) ingestRow(ctx context.Context) error {
	bareJSON, decode, err := decodeRates()
	if err != nil {
		return err
	}
	bareLines, err := putBare(b.dir, records{puts: b.sizes.objects, keys: b.sizes.objects, size: eventBytes})
	if err != nil {
		return err
	}
	alone, err := b.ingest(ctx, "ingest-no-endpoint", newWriter(), b.sizes.ingest, b.sizes.objects, 0)
	if err != nil {
		return err
	}
	telling := newWriter()
	telling.snapshots = true
	snapshots, err := b.ingest(ctx, "ingest-snapshots", telling, b.sizes.ingest, b.sizes.objects, 0)
	if err != nil {
		return err
	}
	merging, err := b.ingest(ctx, "ingest-one-endpoint", newWriter(), b.sizes.ingest, b.sizes.objects, 1)
	if err != nil {
		return err
	}
	bareDebts, err := putBare(b.dir, records{
		puts: min(b.sizes.ingest, 2*b.sizes.objects), keys: b.sizes.objects, size: merging.debtBytes,
	})
	if err != nil {
		return err
	}
	one, err := b.ingest(ctx, "ingest-fan-out-1", newWriter(), b.sizes.fanOut, b.sizes.fanOut/2, 1)
	if err != nil {
		return err
	}
	ten, err := b.ingest(ctx, "ingest-fan-out-10", newWriter(), b.sizes.fanOut, b.sizes.fanOut/2, 10)
	if err != nil {
		return err
	}
	b.report.add(
		measured("ingest", "yardstick: encoding/json, one goroutine", bareJSON, "events/s").
			noted("of %d bytes, only what an event must have", eventBytes),
		measured("ingest", "  dz's own decoder, one goroutine", decode, "events/s").beside("encoding/json", bareJSON),
		measured("ingest", "yardstick: bare bbolt, an event a record", bareLines, "events/s").
			noted("%s a flushed transaction, as dz has them", number(batchLines)),
		measured("ingest", "yardstick: bare bbolt, a debt a record", bareDebts, "debts/s").
			noted("of %d bytes, under %s keys", merging.debtBytes, number(float64(b.sizes.objects))),
		alone.result("no endpoint").beside("encoding/json", bareJSON).atLeast(60_000),
		snapshots.result("no endpoint, events with snapshots").beside("without", alone.rate),
		merging.result("one endpoint").beside("bare bbolt, debts", bareDebts).atLeast(25_000),
		ten.result("ten endpoints").beside("one endpoint", one.rate).ratioAtLeast(0.3),
	)
	return nil
}

// intake is what taking events in cost.
type intake struct {
	events, objects int
	rate            float64 // events a second
	cpu             float64 // µs an event
	peak            int64   // bytes of RSS
	anon            int64   // of it at the end, without mapped files
	debtBytes       int     // of a debt's record; 0 without debts
}

func (in intake) result(what string) result {
	return measured("ingest", what, in.rate, "events/s").noted(
		"%s events about %s objects; %.1f µs of processor time; peak %.0f MiB, at the end %.0f MiB are not mapped files",
		number(float64(in.events)), number(float64(in.objects)), in.cpu, mib(in.peak), mib(in.anon))
}

// ingest has so many endpoints be owed what events about objects mean.
func (b *bench) ingest(ctx context.Context, name string, w *writer, events, objects, endpoints int) (intake, error) {
	in := intake{events: events, objects: objects}
	err := b.serveNew(ctx, name, usual, func(d *daemon) error {
		if err := w.write(d.draft(), events, objects); err != nil {
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
		in.rate, in.cpu = float64(events)/took.Seconds(), float64((after-before).Microseconds())/float64(events)
		m, err := d.Memory()
		if err != nil {
			return err
		}
		in.peak, in.anon = m.Peak, m.Anon
		status, err := d.client.Status(ctx)
		if err != nil {
			return err
		}
		for _, fault := range in.faults(status, endpoints) {
			b.report.wrong("ingest: %s", fault)
		}
		in.debtBytes, err = d.debtBytes(ctx)
		return err
	})
	return in, err
}

// faults says what is wrong with what was taken in, on any machine.
func (in intake) faults(status api.Status, endpoints int) []string {
	var faults []string
	if status.Events.Ingested != uint64(in.events) || status.Events.Rejected != 0 {
		faults = append(faults, fmt.Sprintf("%d events taken in and %d lines rejected, of %d events",
			status.Events.Ingested, status.Events.Rejected, in.events))
	}
	if want := uint64(endpoints * in.objects); status.Debts.Waiting != want {
		faults = append(faults, fmt.Sprintf("%d debts of %d objects at %d endpoints, not %d",
			status.Debts.Waiting, in.objects, endpoints, want))
	}
	return faults
}

// debtBytes returns how large a debt's record is on average, in bytes.
func (d *daemon) debtBytes(ctx context.Context) (int, error) {
	stats, err := d.client.StoreStats(ctx)
	if err != nil {
		return 0, err
	}
	for _, bucket := range stats.Buckets {
		if bucket.Name == "owed" && bucket.Entries > 0 {
			return int(bucket.Bytes / int64(bucket.Entries)), nil
		}
	}
	return 0, nil
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
