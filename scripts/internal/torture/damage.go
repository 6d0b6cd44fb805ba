package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	// noticeWithin is how long a dz that works is given to come to a page that was
	// damaged. It need not: the page may be of no use.
	noticeWithin = 3 * time.Second
	// endWithin is how long it may take then to end, with requests under way.
	endWithin = 30 * time.Second
)

// The words that damage is told with, and the cure.
const (
	saysDamage = "store is damaged"
	saysCure   = "restore a backup"
)

// damaging is the scenario damage under way.
type damaging struct {
	*rig
	random   *rand.Rand
	pageSize int64
	garbage  int // pages overwritten so far

	buckets map[string]int // pages that check found damaged, by what they are of
	unused  int            // pages that nothing in the store needs
	refused int            // starts

	live, noticed, unnoticed int
}

// damage overwrites pages of the store: one after the other in a copy of it, of
// which 'dz store check' must name each, and which dz must refuse; then in the
// file of a dz that works, which must end once it comes to one, say why and what
// to do, and never crash. A backup and the file that it reads bring everything
// back.
func damage(ctx context.Context, r *rig) error {
	pages, rounds := 600, 12
	if r.opts.short {
		pages, rounds = 60, 2
	}
	r.spool.objects = 1000
	d := &damaging{rig: r, random: chance(r.opts.seed, r.name, "pages"), buckets: make(map[string]int)}
	down, err := d.fill(ctx)
	if err != nil {
		return err
	}
	w := newWriter(r, 5*time.Millisecond, 10)
	err = r.underLoad(ctx, w, nil, func(ctx context.Context) error {
		if err := process.Pause(ctx, time.Second/2); err != nil {
			return err
		}
		if err := r.kill(ctx); err != nil {
			return err
		}
		return d.offline(ctx, pages)
	})
	if err != nil {
		return err
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	err = r.underLoad(ctx, w, nil, func(ctx context.Context) error {
		for range rounds {
			if err := d.whileOpen(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	down.inbox.set(takeAtOnce)
	d.describe()
	return r.settle(ctx, 2*time.Minute)
}

// fill gives the store something in every bucket, and in most of them so much
// that they have pages of their own.
func (d *damaging) fill(ctx context.Context) (down *member, err error) {
	if _, err := d.start(ctx); err != nil {
		return nil, err
	}
	if down, err = d.register(ctx, "down", settings{wanted: asset}); err != nil {
		return nil, err
	}
	down.inbox.set(status(http.StatusServiceUnavailable))
	if err := d.spool.round(3000, 1<<40); err != nil {
		return nil, err
	}
	err = d.until(ctx, time.Minute, "everything is taken in", func(s api.Status) bool { return s.Events.Ingested >= d.ledger.Written() })
	if err != nil {
		return nil, err
	}
	if _, err := registerFixed(ctx, d.rig); err != nil {
		return nil, err
	}
	for i := range 30 {
		if _, err := d.register(ctx, fmt.Sprintf("one-of-many-that-want-little-%02d", i), settings{wanted: comboValue, concurrency: 1}); err != nil {
			return nil, err
		}
	}
	for range 10 {
		d.noEvents++
		if err := errors.Join(d.spool.finish(), d.spool.put([]byte("no event "+strings.Repeat("x", 300)+"\n"))); err != nil {
			return nil, err
		}
	}
	err = d.until(ctx, time.Minute, "the lines that are no events are rejected", func(s api.Status) bool { return s.Events.Rejected >= uint64(d.noEvents) })
	if err != nil {
		return nil, err
	}
	stats, err := d.client.StoreStats(ctx)
	d.pageSize = int64(stats.PageSize)
	return down, err
}

// offline damages copies of the store, a page each. They are compacted first, as
// most pages of a store that has worked are free.
func (d *damaging) offline(ctx context.Context, most int) error {
	original := d.storePath
	defer func() { d.storePath = original }()
	d.storePath = filepath.Join(d.dir, "damaged", "dz.db")
	if err := os.Mkdir(filepath.Dir(d.storePath), 0o700); err != nil {
		return err
	}
	if err := errors.Join(copyFile(original, d.storePath), copyKey(original, d.storePath)); err != nil {
		return err
	}
	if _, err := d.command(ctx, "store", "compact"); err != nil {
		return err
	}
	whole, err := os.ReadFile(d.store())
	if err != nil {
		return err
	}
	count := len(whole) / int(d.pageSize)
	// Of the first two pages each is enough for a start.
	some := slices.DeleteFunc(d.random.Perm(count), func(page int) bool { return page < 2 })
	for i, page := range slices.Concat([]int{0, 1}, some[:min(most, len(some))]) {
		spoilt := slices.Clone(whole)
		copy(spoilt[int64(page)*d.pageSize:], d.nextGarbage(whole))
		if bytes.Equal(spoilt, whole) {
			continue
		}
		if err := os.WriteFile(d.storePath, spoilt, 0o600); err != nil {
			return err
		}
		found := d.judge(ctx, uint64(page), whole)
		switch {
		case page < 2:
			err = d.warn(ctx, page)
		case found && i%10 == 0:
			err = d.refuse(ctx, page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextGarbage returns what a page is overwritten with: nothing, noise, or what
// another page holds.
func (d *damaging) nextGarbage(whole []byte) []byte {
	d.garbage++
	page := make([]byte, d.pageSize)
	switch d.garbage % 3 {
	case 0:
		for i := range page {
			page[i] = byte(d.random.Uint32())
		}
	case 1:
		other := int64(d.random.IntN(len(whole) / int(d.pageSize)))
		copy(page, whole[other*d.pageSize:])
	}
	return page
}

// refuse starts dz on a store that is damaged, and has a person look at it.
func (d *damaging) refuse(ctx context.Context, page int) error {
	from, err := d.said()
	if err != nil {
		return err
	}
	if err := d.launch(ctx); err != nil {
		return err
	}
	select {
	case <-d.process().Ended():
	case <-time.After(readyWithin):
		d.fault("page %d is damaged, and dz starts", page)
		if err := d.kill(ctx); err != nil {
			return err
		}
		d.ledger.Restored() // what it has sent from the copy, the original does not know
		return nil
	}
	d.refused++
	if err := d.wantWords(from, fmt.Sprintf("a start with a damaged page %d", page)); err != nil {
		return err
	}
	if says, _ := d.command(ctx, "store", "check", d.store()); !strings.Contains(says, "is damaged: ") || !strings.Contains(says, "Restore a backup") {
		d.fault("page %d is damaged, and store check says %q", page, says)
	}
	return nil
}

// warn starts dz on a store that may be as of the commit before its last.
func (d *damaging) warn(ctx context.Context, page int) error {
	from, err := d.said()
	if err != nil {
		return err
	}
	if _, err := d.start(ctx); err != nil {
		return err
	}
	if err := d.kill(ctx); err != nil {
		return err
	}
	d.ledger.Restored() // what it has sent from the copy, the original does not know
	text, err := os.ReadFile(d.log.Name())
	if err != nil {
		return err
	}
	if says := string(text[from:]); !strings.Contains(says, saysDamage) || !strings.Contains(says, overwritten(uint64(page))) {
		d.fault("page %d is damaged, and dz starts without a word of it: %q", page, says[:min(len(says), 2000)])
	}
	return nil
}

// wantWords has dz have said, since some length of its log, what is wrong and
// what to do, and not have crashed.
func (d *damaging) wantWords(from int, when string) error {
	text, err := os.ReadFile(d.log.Name())
	if err != nil {
		return err
	}
	says := string(text[from:])
	if strings.Contains(says, "goroutine ") || !strings.Contains(says, saysDamage) || !strings.Contains(says, saysCure) {
		const most = 4000
		if crash := strings.Index(says, "goroutine "); crash >= 0 {
			says = says[max(0, crash-most/4):] // it is what counts, after all that was said of the damage
		}
		d.fault("%s: dz says %q", when, says[:min(len(says), most)])
	}
	return nil
}

// said returns the length of dz's log.
func (d *damaging) said() (int, error) {
	info, err := d.log.Stat()
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}

// whileOpen backs a dz up that works, damages pages of its store, sees what it
// does, and puts the backup in the place of what is left.
func (d *damaging) whileOpen(ctx context.Context) error {
	d.live++
	backup := filepath.Join(d.dir, fmt.Sprintf("live-%d.backup", d.live))
	if _, err := d.command(ctx, "store", "backup", backup); err != nil {
		return err
	}
	if err := process.Pause(ctx, time.Duration(d.random.IntN(200))*time.Millisecond); err != nil {
		return err
	}
	from, err := d.said()
	if err != nil {
		return err
	}
	d.ledger.Stuck()
	end := ledger.End{Killed: true, At: time.Now()} // it ends by itself, if it comes to a page
	if err := d.overwrite([]int{1, 1 << 20, 8, 64}[d.live%4]); err != nil {
		return err
	}
	if err := d.seeWhatHappens(ctx, from, end); err != nil {
		return err
	}
	if _, err := d.command(ctx, "store", "check", d.store()); err != nil {
		if _, err := d.command(ctx, "store", "restore", backup, "--yes"); err != nil {
			return err
		}
		d.ledger.Restored()
	}
	_, err = d.start(ctx)
	return err
}

// overwrite damages so many pages of the store in its place, or all but the
// first two, if there are fewer. These name the last commit and the one before,
// and are only hit alone.
func (d *damaging) overwrite(pages int) (err error) {
	whole, err := os.ReadFile(d.store())
	if err != nil {
		return err
	}
	file, err := os.OpenFile(d.store(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	count := len(whole) / int(d.pageSize)
	for _, page := range d.random.Perm(count)[:min(pages, count)] {
		if page < 2 && pages > 1 {
			continue
		}
		with := d.nextGarbage(whole[:d.pageSize])
		if page < 2 { // what it held before is not garbage there, but an earlier state
			with = make([]byte, d.pageSize)
		}
		if _, err := file.WriteAt(with, int64(page)*d.pageSize); err != nil {
			return err
		}
	}
	return nil
}

// seeWhatHappens waits until dz comes to a damaged page and ends for it, or not,
// and ends it. end is how that is noted if dz does it.
func (d *damaging) seeWhatHappens(ctx context.Context, from int, end ledger.End) error {
	p := d.process()
	err := process.Until(ctx, lookEvery, noticeWithin, "dz notices", func() (bool, error) {
		text, err := os.ReadFile(d.log.Name())
		return err == nil && (!p.Running() || strings.Contains(string(text[from:]), saysDamage)), err
	})
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		d.unnoticed++
		return d.kill(ctx)
	}
	d.noticed++
	when := fmt.Sprintf("the damage %d while dz worked", d.live)
	select {
	case <-p.Ended():
	case <-time.After(endWithin):
		d.fault("%s: dz has noticed, and goes on", when)
		return d.kill(ctx)
	}
	if err := d.wantWords(from, when); err != nil {
		return err
	}
	if err := d.receiver.drain(ctx); err != nil {
		return err
	}
	d.ledger.Ended(end)
	return nil
}

// describe notes what was hit.
func (d *damaging) describe() {
	var parts []string
	for _, bucket := range slices.Sorted(maps.Keys(d.buckets)) {
		name := bucket
		if name == "" {
			name = "(above the buckets)"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, d.buckets[bucket]))
	}
	d.note("faults found by bucket: %s; %d pages of no use; %d starts refused", strings.Join(parts, ", "), d.unused, d.refused)
	d.note("damaged while dz worked: %d times it ended for that, %d times it did not come to the pages", d.noticed, d.unnoticed)
}
