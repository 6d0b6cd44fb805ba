package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// soak is the row outage as a check: it passes or it fails.
func soak(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parseSoak(args, stderr)
	if err != nil {
		return err
	}
	return within(ctx, opts, stderr, func(ctx context.Context, b *bench) error {
		b.tell("%d events about %d objects while the receiver is down …", b.sizes.outage.events, b.sizes.outage.objects)
		o, err := b.runOutage(ctx, b.sizes.outage)
		return o.judge(stdout, err)
	})
}

// judge says what an outage came to that ended with err, and what is wrong with
// it; that is errWrong. So is what has not come about within minutes.
func (o *outage) judge(w io.Writer, err error) error {
	if errors.Is(err, process.ErrNotSo) {
		fmt.Fprintf(w, "soak: FAILED: %v\n", err)
		return errWrong
	}
	if err != nil {
		return err
	}
	o.print(w)
	faults := o.faults()
	for _, fault := range faults {
		fmt.Fprintf(w, "soak: FAILED: %s\n", fault)
	}
	if len(faults) > 0 {
		return errWrong
	}
	fmt.Fprintln(w, "soak: passed")
	return nil
}

// print says what an outage came to.
func (o *outage) print(w io.Writer) {
	fmt.Fprintf(w, `ingested   %d events in %.1f s (%s/s)
debts      %d
file       %.1f MB, at most %.0f, without the ring of recent events
memory     %.0f MiB of RSS at the peak, at most %.0f
probes     %d in %.0f s, %d at a time, after %d requests at first
delivered  %d of %d objects, %d repeated; the first %.1f s after the receiver was back, all %.1f s later
`,
		o.size.events, o.ingest.Seconds(), number(float64(o.size.events)/o.ingest.Seconds()), o.debts,
		mb(o.file), mb(o.size.maxFile), mib(o.peak), mib(o.size.maxPeak),
		o.whenDown.Probes, o.down.Seconds(), o.whenDown.Abreast, o.whenDown.Refused-o.whenDown.Probes,
		o.tally.Distinct, o.size.objects, o.tally.Repeated, o.recovery.Seconds(), o.drain.Seconds())
}
