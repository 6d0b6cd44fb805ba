package listen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"
)

func readNothing(string) ([]byte, error) { return nil, fs.ErrNotExist }

func mustParse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := ParseScript("s.txt", strings.NewReader(text), readNothing)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAScriptAnswersInTurn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script string
		want   string // statuses; 0 is a broken connection
	}{
		{"200", "200 200 200"},
		{"500\n200", "500 200 200 200"},
		{"# first\n\n500 * 3 # thrice\nclose\n204", "500 500 500 0 204 204"},
		{"503\n200 * 2\nloop", "503 200 200 503 200 200 503"},
		{"retry-after=5\n429 retry-after=0\ndelay=1ms", "503 429 200 200"},
	} {
		s := mustParse(t, tt.script)
		var got []string
		for n := range len(strings.Fields(tt.want)) {
			answer := s.to(uint64(n) + 1)
			got = append(got, fmt.Sprint(answer.status))
			if answer.fails != (answer.status == 0 || answer.status >= 300) {
				t.Errorf("%q: answer %d is %+v", tt.script, n+1, answer)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q answers %q, want %q", tt.script, got, tt.want)
		}
	}
}

func TestAScriptedAnswerIsSent(t *testing.T) {
	t.Parallel()
	read := func(name string) ([]byte, error) { return []byte("this is " + name), nil }
	script, err := ParseScript("s.txt", strings.NewReader("delay=20ms 503 retry-after=30 body=@a.json\n200"), read)
	if err != nil {
		t.Fatal(err)
	}
	receiver, record, url := serve(t, Answer{})
	receiver.Script = script
	begun := time.Now()
	response := post(t, url, "x")
	took := time.Since(begun)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "30" || string(body) != "this is a.json" || took < 20*time.Millisecond {
		t.Errorf("answered %d, Retry-After %q, body %q after %s", response.StatusCode, response.Header.Get("Retry-After"), body, took)
	}
	if again := post(t, url, "x"); again.StatusCode != http.StatusOK || again.Header.Get("Retry-After") != "" {
		t.Errorf("then answered %d", again.StatusCode)
	}
	if seen := record.all(); len(seen) != 2 || !seen[0].Failed || seen[1].Failed {
		t.Errorf("handed over %+v", seen)
	}
}

func TestAScriptSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"":                                 "s.txt:1: there is no answer in it",
		"# nothing\n\n":                    "s.txt:2: there is no answer in it",
		"200\nfive":                        `s.txt:2: "five" is no answer: a line holds a status`,
		"200\n\n# x\n99":                   "s.txt:4: status 99 is not between 200 and 599",
		"600":                              "status 600 is not",
		"delay=fast":                       "s.txt:1: delay=fast: write a time such as 2s",
		"delay=-1s":                        "delay=-1s",
		"delay":                            `"delay" is no answer`,
		"retry-after=1.5":                  "retry-after=1.5: write whole seconds",
		"200 * 0":                          "* 0: an answer is repeated 1 to",
		"200 * many":                       "* many: an answer",
		"* 3":                              "there is no answer before *",
		"200 200":                          "status is given twice",
		"close 500":                        "a connection that is broken off has no status",
		"close body=@x":                    "read body: file does not exist",
		"body=x":                           `"body=x" is no answer`,
		"loop":                             "there is nothing before loop",
		"200\nloop\n500":                   "s.txt:3: nothing is reached after loop",
		"200\nloop * 2":                    `"loop" is no answer`,
		"200 " + strings.Repeat("a", 1000): `s.txt:1: "` + strings.Repeat("a", 10),
	} {
		_, err := ParseScript("s.txt", strings.NewReader(script), readNothing)
		var where *ScriptError
		if !errors.As(err, &where) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.40q: %v, want %s", script, err, want)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	for _, seed := range []string{"200", "503 retry-after=30\nloop", "delay=2s 200 body=@x * 4294967296", "close * 3\n#\n200", "* 1", "=\x00"} {
		f.Add(seed)
	}
	read := func(string) ([]byte, error) { return []byte("x"), nil }
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript("s.txt", strings.NewReader(text), read)
		if err != nil {
			return
		}
		for _, n := range []uint64{1, 2, 3, 1 << 20, 1 << 63} {
			answer := s.to(n)
			if answer.status != 0 && (answer.status < 200 || answer.status > 599) || answer.delay < 0 {
				t.Errorf("%q: answer %d is %+v", text, n, answer)
			}
		}
	})
}

func TestASignatureIsChecked(t *testing.T) {
	t.Parallel()
	receiver, record, url := serve(t, Answer{})
	receiver.Verify = func(header http.Header, body []byte, _ time.Time) error {
		if header.Get("Content-Type") != "application/json" || string(body) != "right" {
			return errors.New("the body was changed")
		}
		return nil
	}
	for _, body := range []string{"right", "wrong"} {
		if status := post(t, url, body).StatusCode; status != http.StatusOK {
			t.Errorf("answered %d", status)
		}
	}
	seen := record.all()
	if v := seen[0].Verified; v == nil || !*v || seen[0].Problem != "" {
		t.Errorf("the right one is %v, %q", v, seen[0].Problem)
	}
	if v := seen[1].Verified; v == nil || *v || seen[1].Problem != "the body was changed" {
		t.Errorf("the wrong one is %v, %q", v, seen[1].Problem)
	}
}
