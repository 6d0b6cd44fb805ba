package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listening is a "dz listen" under way.
type listening struct {
	url    string
	stdout *bytes.Buffer // to be read after end
	rest   chan string   // of stderr
	end    func() (code int, stderr string)
}

func startListen(t *testing.T, args ...string) listening {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	stdout := new(bytes.Buffer)
	stderr, errWriter := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...), newEnv("", stdout, errWriter))
		errWriter.Close()
	}()
	lines := bufio.NewReader(stderr)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(first)
	if url == "" {
		t.Fatalf("the first line says no address: %q", first)
	}
	rest := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(lines)
		rest <- string(text)
	}()
	t.Cleanup(interrupt)
	return listening{url: url, stdout: stdout, rest: rest, end: func() (int, string) {
		interrupt()
		return <-code, <-rest
	}}
}

func (l listening) post(t *testing.T, body string) *http.Response {
	t.Helper()
	response, err := http.Post(l.url+"/hook?x=1", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

const notification = `{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`

func TestListenPrintsWhatArrives(t *testing.T) {
	t.Parallel()
	l := startListen(t, "-v")
	if status := l.post(t, notification).StatusCode; status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
	code, stderr := l.end()
	if code != ExitDone || stderr != "1 request received, 0 of them failed as told\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{
		"10:00:00.000 POST /hook?x=1 → 200  AssetChanged ItemId 9588 BaseId 16\n", "    Content-Type: application/json\n",
		"    \"ItemId\": 9588,\n",
	} {
		if !strings.Contains(l.stdout.String(), want) {
			t.Errorf("printed %q, want %q", l.stdout, want)
		}
	}
}

func TestListenMarksTests(t *testing.T) {
	t.Parallel()
	l := startListen(t)
	for _, body := range []string{notification, "x"} {
		request, err := http.NewRequest(http.MethodPost, l.url+"/hook", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Dz-Test", "1")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	l.post(t, notification)
	l.end()
	for _, want := range []string{"BaseId 16 (test)\n", "→ 200  (test)\n", "BaseId 16\n"} {
		if !strings.Contains(l.stdout.String(), want) {
			t.Errorf("printed %q, want %q", l.stdout, want)
		}
	}
}

func TestListenPrintsAJSONObjectALine(t *testing.T) {
	t.Parallel()
	l := startListen(t, "-o", "json", "--fail-every", "2", "--status", "503", "--retry-after", "7")
	l.post(t, notification)
	second := l.post(t, "not <json>\n")
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") != "7" {
		t.Errorf("second answer %d, Retry-After %q", second.StatusCode, second.Header.Get("Retry-After"))
	}
	_, stderr := l.end()
	if !strings.Contains(stderr, "2 requests received, 1 of them failed as told") {
		t.Errorf("stderr %q", stderr)
	}
	lines := strings.Split(strings.TrimSpace(l.stdout.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2: %q", len(lines), lines)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
		t.Fatal(err)
	}
	if _, ok := got["headers"].(map[string]any); !ok {
		t.Errorf("headers are %v, want an object", got["headers"])
	}
	delete(got, "headers")
	want := map[string]any{
		"time": "2026-11-21T10:00:00Z", "method": "POST", "path": "/hook?x=1", "body": "not <json>\n", "verified": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestListenCanBreakConnectionsOff(t *testing.T) {
	t.Parallel()
	l := startListen(t, "--close")
	if response, err := http.Post(l.url, "text/plain", strings.NewReader("x")); err == nil {
		response.Body.Close()
		t.Errorf("answered %d", response.StatusCode)
	}
	if code, _ := l.end(); code != ExitDone || !strings.Contains(l.stdout.String(), "→ no answer") {
		t.Errorf("exit code %d, printed %q", code, l.stdout)
	}
}

func TestListenSaysWhyItCanNot(t *testing.T) {
	t.Parallel()
	l := startListen(t)
	defer l.end()
	address := strings.TrimPrefix(l.url, "http://")
	run(t, "", nil, "listen", "--addr", address).wants(t, ExitFailed, "", "is in use: choose another one with --addr")
	run(t, "", nil, "listen", "--addr", "nowhere").wants(t, ExitUsage, "", `--addr: "nowhere" is no address: write HOST:PORT`)
	run(t, "", nil, "listen", "--status", "99").wants(t, ExitUsage, "", "status 99 is not between 200 and 599")
	run(t, "", nil, "listen", "--close", "--status", "500").wants(t, ExitUsage, "", "neither a status nor a Retry-After")
	run(t, "", nil, "listen", "--retry-after", "-1").wants(t, ExitUsage, "", "--retry-after: -1 is negative")
	run(t, "", nil, "listen", "-o", "yaml").wants(t, ExitUsage, "", "listen prints table or json")
}
