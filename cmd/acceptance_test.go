package cmd_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/cmd"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/dztest"
)

// The real change history of a museum's media, 2021 to 2025: what it holds.
const (
	historyEvents = 10_054
	historyItems  = 2_744
)

// installation is a dz with its files in a folder, used by its command line.
type installation struct {
	*testing.T
	dir string
}

func install(t *testing.T, interval string) *installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "dz-test-") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	in := &installation{t, dir}
	text := fmt.Sprintf(`
store: {path: %[1]s/dz.db}
socket: {path: %[1]s/dz.sock}
debouncing: {interval: %[2]s, max_wait: 1m}
log: {level: error}
sources: [{name: spool, type: file, path: %[1]s/events.ndjson}]
`, dir, interval)
	if err := os.WriteFile(in.path("dz.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *installation) path(name string) string { return filepath.Join(in.dir, name) }

// dz runs a command and returns what it printed and its exit code.
func (in *installation) dz(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = cmd.Run(ctx, append([]string{"--config", in.path("dz.yaml")}, args...), cmd.Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Config: config.Options{
			UID: 1, Home: in.dir, ReadFile: os.ReadFile,
			Exists: func(name string) bool { _, err := os.Stat(name); return !errors.Is(err, fs.ErrNotExist) },
		},
		Width: func() int { return 0 }, Now: time.Now,
	})
	return out.String(), errs.String(), code
}

// must runs a command that has to succeed.
func (in *installation) must(args ...string) string {
	in.Helper()
	stdout, stderr, code := in.dz(in.Context(), args...)
	if code != cmd.ExitDone {
		in.Fatalf("dz %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// serving runs the daemon while do runs.
func (in *installation) serving(do func()) {
	in.Helper()
	ctx, stop := context.WithCancel(in.Context())
	ended := make(chan int, 1)
	var stderr string
	go func() {
		var code int
		_, stderr, code = in.dz(ctx, "serve")
		ended <- code
	}()
	for {
		if _, _, code := in.dz(ctx, "status"); code == cmd.ExitDone {
			break
		}
		select {
		case code := <-ended:
			in.Fatalf("dz serve: exit code %d: %s", code, stderr)
		case <-time.After(5 * time.Millisecond):
		}
	}
	do()
	stop()
	if code := <-ended; code != cmd.ExitDone {
		in.Fatalf("dz serve: exit code %d: %s", code, stderr)
	}
}

func (in *installation) status() api.Status {
	in.Helper()
	var status api.Status
	if err := json.Unmarshal([]byte(in.must("status", "-o", "json")), &status); err != nil {
		in.Fatal(err)
	}
	return status
}

// history opens the history, an event a line.
func (in *installation) history() io.Reader {
	in.Helper()
	name, named := os.LookupEnv("DZ_TEST_DATA")
	if !named {
		name = filepath.Join("..", "..", "shared", "data")
	}
	packed, err := os.Open(filepath.Join(name, "nga-media", "events.ndjson.gz"))
	if errors.Is(err, fs.ErrNotExist) && !named {
		in.Skip("needs the event history nga-media/events.ndjson.gz in the folder DZ_TEST_DATA")
	}
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { packed.Close() })
	lines, err := gzip.NewReader(packed)
	if err != nil {
		in.Fatal(err)
	}
	return lines
}

// spoolHistory puts the history where the DAM puts its events.
func (in *installation) spoolHistory() {
	in.Helper()
	lines := in.history()
	spool, err := os.Create(in.path("events.ndjson"))
	if err != nil {
		in.Fatal(err)
	}
	if _, err := io.Copy(spool, lines); err != nil {
		in.Fatal(err)
	}
	if err := spool.Close(); err != nil {
		in.Fatal(err)
	}
}

// generation is the number at the end of a webhook-id, which rises with every
// change of an object.
func generation(t *testing.T, r dztest.Request) (id string, n uint64) {
	t.Helper()
	text := r.Header.Get("Webhook-Id")
	cut := strings.LastIndexByte(text, '_')
	n, err := strconv.ParseUint(text[cut+1:], 10, 64)
	if err != nil {
		t.Fatalf("webhook-id %q ends in no generation", text)
	}
	return text[:cut], n
}

// TestTheHistoryOfAMuseumArrives plays ten thousand real events to a receiver
// that works, and to one that often does not.
func TestTheHistoryOfAMuseumArrives(t *testing.T) {
	t.Parallel()
	// A notification may arrive late, and the next one not: what lies between
	// them is the window, less what the first one took to arrive.
	const window, late = 2 * time.Second, time.Second
	for name, answer := range map[string]func(dztest.Request) dztest.Answer{
		"a receiver that answers 200": nil,
		"a receiver that answers 500 to every third request and drops every tenth connection": func(r dztest.Request) dztest.Answer {
			switch {
			case r.N%10 == 0:
				return dztest.Answer{HangUp: true}
			case r.N%3 == 0:
				return dztest.Answer{Status: http.StatusInternalServerError}
			default:
				return dztest.Answer{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := &dztest.Receiver{}
			receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
				if answer == nil {
					return dztest.Answer{}
				}
				return answer(r)
			})
			server := httptest.NewServer(receiver)
			defer server.Close()
			in := install(t, window.String())
			in.serving(func() {
				in.must("endpoint", "add", "shop", "--url", server.URL, "--change-types", "AssetChanged",
					"--retry", strings.TrimSuffix(strings.Repeat("200ms,", 20), ","))
			})
			in.spoolHistory()
			in.must("serve", "--until-idle")

			delivered := checkHistory(t, receiver, answer, window-late)
			in.serving(func() {
				s := in.status()
				for !s.Idle { // the source has yet to look
					s = in.status()
				}
				if s.Events.Ingested != historyEvents || s.Events.Owed != historyEvents || s.Events.Rejected != 0 {
					t.Errorf("events are %+v, want %d ingested and owed", s.Events, historyEvents)
				}
				if s.Attempts.Delivered != delivered || s.Events.Owed != s.Events.Coalesced+s.Attempts.Delivered {
					t.Errorf("the sums do not add up: %+v %+v, %d delivered", s.Events, s.Attempts, delivered)
				}
				if want := uint64(len(receiver.Requests())) - delivered; s.Attempts.Failed != want {
					t.Errorf("%d attempts failed, want %d", s.Attempts.Failed, want)
				}
				if s.Debts != (api.DebtCounts{}) {
					t.Errorf("in the end: %+v", s.Debts)
				}
			})
		})
	}
}

// checkHistory checks what the receiver got, and returns how much of it it took.
func checkHistory(t *testing.T, receiver *dztest.Receiver, answer func(dztest.Request) dztest.Answer, window time.Duration) (delivered uint64) {
	t.Helper()
	type last struct {
		at         time.Time
		debt       string
		generation uint64
	}
	items := make(map[string]last)
	for _, r := range receiver.Requests() {
		debt, gen := generation(t, r)
		before, told := items[r.Body]
		if told && debt == before.debt && gen < before.generation {
			t.Errorf("%s: generation %d after %d", r.Body, gen, before.generation)
		}
		if answer != nil {
			if a := answer(r); a.HangUp || a.Status != 0 {
				continue
			}
		}
		delivered++
		// Under the race detector notifications are late by more than a window.
		if told && r.At.Sub(before.at) < window && !dztest.RaceDetected() {
			t.Errorf("%s was told twice within %v", r.Body, r.At.Sub(before.at))
		}
		items[r.Body] = last{r.At, debt, gen}
	}
	if len(items) != historyItems {
		t.Errorf("%d items were told, want %d", len(items), historyItems)
	}
	if overlaps := receiver.Overlaps(); len(overlaps) > 0 {
		t.Errorf("two attempts at a time for %v", overlaps)
	}
	return delivered
}
