package render

import (
	"bytes"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

func sampleContents() api.StoreContents {
	return api.StoreContents{Endpoints: 3, Debts: 12, Retrying: 4, Failures: 1, Events: 10054}
}

func sampleStoreStats() api.StoreStats {
	return api.StoreStats{
		Path: "/var/lib/dz/dz.db", Format: 1, Size: 16 << 20, MaxSize: 20 << 30, Free: 7 << 20, PageSize: 4096, Pages: 3072,
		FreePages: 1792, StoreContents: sampleContents(), EventBytes: 900 << 10,
		OldestEvent: ago(6 * 24 * time.Hour), NewestEvent: ago(time.Second),
		Buckets: []api.StoreBucket{
			{Name: "owed", Holds: "what endpoints are owed", Entries: 13, Bytes: 2345},
			{Name: "events", Holds: "recent events, to look back", Entries: 121, Bytes: 900 << 10},
		},
	}
}

func sampleFaults() []api.StoreFault {
	return []api.StoreFault{
		{Page: 1234, Bucket: "owed", Holds: "what endpoints are owed", Key: "2/\x1b[2Jasset", Problem: "page 1234 says that it is page 0"},
		{Bucket: "endpoints", Holds: "the registered endpoints", Key: "0x00000002", Problem: "the endpoint can't be read: unexpected end of JSON input"},
		{Problem: "its end is cut off"},
	}
}

func sampleStoreCheck(faults []api.StoreFault) api.StoreCheck {
	c := api.StoreCheck{
		Path: "/var/lib/dz/dz.db", Sound: len(faults) == 0, Format: 1, Size: 12 << 20, Pages: 3072, Entries: 10300,
		Faults: faults, StoreContents: sampleContents(),
	}
	if faults == nil {
		c.Faults = []api.StoreFault{}
		c.Secrets = &api.StoreSecrets{Endpoints: 2, Keys: []string{"1a2b3c4d"}, KeyFile: "/var/lib/dz/dz.db.key", Opens: true}
	} else {
		c.TotalFaults = uint64(len(faults)) + 17
	}
	return c
}

func sampleRestored() api.StoreRestored {
	return api.StoreRestored{
		Path: "/var/lib/dz/dz.db", Backup: "/var/backups/dz.backup", Size: 12 << 20, Format: 2, FormatBefore: 1,
		Kept: "/var/lib/dz/dz.db.before-restore-20261121T100000Z", StoreContents: sampleContents(),
	}
}

func TestWhatWasDoneToAStoreIsSaidInASentence(t *testing.T) {
	t.Parallel()
	for want, show := range map[string]func(*Printer) error{
		"x.backup: 12 MiB, format 1, whole: 3 endpoints, 12 debts, 1 failure, 10,054 recent events\n": func(p *Printer) error {
			return p.StoreBackup(api.StoreBackup{File: "x.backup", Size: 12 << 20, Format: 1, StoreContents: sampleContents()})
		},
		"dz.db: 12 MiB before, 1.0 MiB now\n": func(p *Printer) error {
			return p.StoreCompacted(api.StoreCompacted{Path: "dz.db", Before: 12 << 20, After: 1 << 20})
		},
		"dz.db: 12 MiB before, 1.0 MiB now\nits format was 3 and is 4 now, which no older dz reads\n": func(p *Printer) error {
			return p.StoreCompacted(api.StoreCompacted{Path: "dz.db", Before: 12 << 20, After: 1 << 20, FormatBefore: 3, Format: 4})
		},
		"dz.db is restored from b: 3 endpoints, 12 debts, 1 failure, 10,054 recent events\n": func(p *Printer) error {
			return p.StoreRestored(api.StoreRestored{Path: "dz.db", Backup: "b", StoreContents: sampleContents()})
		},
	} {
		var out bytes.Buffer
		if err := show(&Printer{Out: &out, Now: now}); err != nil || out.String() != want {
			t.Errorf("got %q, %v, want %q", out.String(), err, want)
		}
	}
}
