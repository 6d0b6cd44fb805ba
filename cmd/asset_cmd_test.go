package cmd

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestAssetImportReadsPlainAndCompressed(t *testing.T) {
	t.Parallel()
	const text = `{"id":1}` + "\n" + `{"id":2}` + "\n"
	changed := time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		file  []byte // nil: from stdin
		stdin string
		asOf  string // as it is asked
	}{
		"a file":             {file: []byte(text), asOf: "?asOf=2026-11-01T08%3A30%3A00Z"},
		"a compressed file":  {file: gzipped(t, text), asOf: "?asOf=2026-11-01T08%3A30%3A00Z"},
		"stdin":              {stdin: text},
		"compressed stdin":   {stdin: string(gzipped(t, text))},
		"a file of one byte": {file: []byte("x"), asOf: "?asOf=2026-11-01T08%3A30%3A00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFakeDaemon(t, map[string]any{"POST /assets": api.ImportResult{Lines: 2, Imported: 2}})
			path, want := stdinName, text
			if c.file != nil {
				path = writeFile(t, "assets", c.file)
				if err := os.Chtimes(path, changed, changed); err != nil {
					t.Fatal(err)
				}
			}
			if len(c.file) == 1 {
				want = "x"
			}
			d.run(t, c.stdin, nil, "asset", "import", path).wants(t, ExitDone, "2 assets imported\n", "")
			if asked := d.asked(); len(asked) != 1 || asked[0] != (request{"POST /assets" + c.asOf, want}) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestAssetImportNamesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	result := api.ImportResult{Lines: 400, Older: 1, Skipped: 1200, RejectedCount: 103}
	for n := range 100 {
		result.Rejected = append(result.Rejected, api.RejectedLine{Line: n + 7, Reason: "it has no id"})
	}
	d := newFakeDaemon(t, map[string]any{"POST /assets": result})
	got := d.run(t, "{}", nil, "asset", "import", "-")
	got.wants(t, ExitFailed, "no asset imported, 1 line older than what is known, 1,200 events without a snapshot skipped\n", "dz: line 7: it has no id\n")
	got.wants(t, ExitFailed, "no asset imported", "dz: line 106: it has no id\ndz: and 3 lines more\ndz: 103 lines rejected\n")

	got = d.run(t, "{}", nil, "asset", "import", "-", "-o", "json")
	if got.code != ExitFailed || !strings.Contains(got.stdout, `"rejectedCount": 103`) || strings.Contains(got.stderr, "line 7") {
		t.Errorf("exit code %d: %s %s", got.code, got.stdout, got.stderr)
	}
	sameJSON(t, got.stderr, `{"error":{"code":"invalid","message":"103 lines rejected"}}`)
}

func TestAssetImportSaysWhatFails(t *testing.T) {
	t.Parallel()
	full := newFakeDaemon(t, map[string]any{"POST /assets": &api.Error{Code: api.CodeFull, Message: "store is full"}})
	full.run(t, `{"id":1}`, nil, "asset", "import", "-").wants(t, ExitFailed, "", "dz: store is full\n")

	d := newFakeDaemon(t, map[string]any{"POST /assets": api.ImportResult{Lines: 1, Imported: 1}})
	cut := gzipped(t, strings.Repeat(`{"id":1}`+"\n", 1000))
	d.run(t, string(cut[:len(cut)-6]), nil, "asset", "import", "-").wants(t, ExitFailed, "", "decompress: unexpected EOF")
	d.run(t, "", nil, "asset", "import", t.TempDir()).wants(t, ExitFailed, "", "is a directory")
}

// ticking is a clock that goes on whenever it is looked at.
func ticking() func() time.Time {
	var ticks atomic.Int64
	return func() time.Time { return now.Add(time.Duration(ticks.Add(1)) * 60 * time.Millisecond) }
}

func TestAssetImportShowsATerminalHowFarItIs(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for n := range 200_000 {
		fmt.Fprintf(&text, "{\"id\":%d,\"title\":\"A title of some length\"}\n", n)
	}
	path := writeFile(t, "assets.ndjson", []byte(text.String()))
	d := newFakeDaemon(t, map[string]any{"POST /assets": api.ImportResult{Lines: 1, Imported: 1}})
	onTerminal := func(env *Env) { env.ErrTerminal, env.Now = true, ticking() }
	got := d.run(t, "", onTerminal, "asset", "import", path)
	got.wants(t, ExitDone, "assets imported\n", "assets  ")
	lines := strings.Split(got.stderr, "\r")
	for _, line := range lines {
		if len(line) > meterWidth-1 {
			t.Errorf("a line of %d columns: %q", len(line), line)
		}
	}
	if want := regexp.MustCompile(`\r\[=+ *\] +\d+%  \d\.\d MiB of 8\.\d MiB  `); !want.MatchString(got.stderr) {
		t.Errorf("no bar in %q", got.stderr)
	}
	if last := lines[len(lines)-2:]; strings.TrimSpace(last[0]) != "" || last[1] != "" || !strings.HasPrefix(got.stderr, "\r") {
		t.Errorf("the bar is left standing: %q", last)
	}
	if got := d.run(t, "", nil, "asset", "import", path); got.stderr != "" {
		t.Errorf("without a terminal stderr is %q", got.stderr)
	}
}

func TestAssetList(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /assets?limit=3":                    api.AssetPage{Assets: []api.Asset{{Title: "one"}, {Title: "two"}}, Next: `"a/b"`},
		"GET /assets?cursor=%22a%2Fb%22&limit=3": api.AssetPage{Assets: []api.Asset{{Title: "three"}}},
	})
	got := d.run(t, "", nil, "asset", "list", "--limit", "2")
	got.wants(t, ExitDone, "two", "there are more than 2 assets: --limit 0 shows them all\n")
	if strings.Contains(got.stdout, "three") {
		t.Errorf("stdout is %q", got.stdout)
	}
}
