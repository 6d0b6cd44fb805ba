package cmd

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/style/builtin"
)

// A header that is taken goes over the wire as it was written; one that is not
// is refused without its value, which may be a secret.
func FuzzHeader(f *testing.F) {
	for _, seed := range []struct{ name, value, stdin string }{
		{"X-Key", " k", ""},
		{"x-key", "a: b", ""},
		{"\tA ", "\t@@at ", ""},
		{"A", "", ""},
		{"", "k", ""},
		{"A", "@-", "k\r\n"},
		{"A", " @-", " k \n\n"},
		{"A", "@-", "\n"},
		{"A", "k\r\nB: c", ""},
		{"Ä", "k", ""},
		{"A", "\u00e4\x00", ""},
		{"Host", "k", ""},
		{"A:B", "k", ""},
	} {
		f.Add(seed.name, seed.value, seed.stdin)
	}
	styles, err := builtin.Styles(builtin.Nothing())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value, stdin string) {
		text := name + ":" + value
		name, value, _ = strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.Trim(value, " \t")
		fromStdin := value == "@-"
		if strings.HasPrefix(value, "@") && !strings.HasPrefix(value, "@@") && !fromStdin {
			return // any file of this machine
		}
		s := settings{app: &app{env: Env{Stdin: strings.NewReader(stdin)}}, styles: styles}
		err := s.header(text)
		if fromStdin {
			value = strings.TrimSuffix(strings.TrimSuffix(stdin, "\n"), "\r")
		} else {
			value = strings.TrimPrefix(value, "@") // @@ stands for one
		}
		unreadable := fromStdin && (value == "" || len(stdin) > maxSecret)
		if refused := name == "" || unreadable; refused != (err != nil) {
			t.Fatalf("%q with %q at stdin: %v", text, stdin, err)
		}
		if err == nil {
			if got := s.draft.Headers; len(got) != 1 || got[name] != value {
				t.Fatalf("%q with %q at stdin is taken as %q, want %q: %q", text, stdin, got, name, value)
			}
			err = s.checkChange("shop")
		}
		if err != nil {
			if len(value) > 4 && !strings.Contains(name, value) && strings.Contains(err.Error(), value) {
				t.Fatalf("%q: the error repeats the value: %v", text, err)
			}
			return
		}
		if sent := overTheWire(t, s.draft.Headers); len(sent) != 1 || sent.Get(name) != textproto.TrimString(value) {
			t.Fatalf("%q with %q at stdin goes out as %q", text, stdin, sent)
		}
	})
}

// overTheWire returns what a receiver gets of these headers beside its own.
func overTheWire(t *testing.T, headers map[string]string) http.Header {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://shop.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header["User-Agent"] = []string{""} // none of net/http's own
	}
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		t.Fatal(err)
	}
	received, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatalf("%q: %v", headers, err)
	}
	delete(received.Header, "Content-Length")
	return received.Header
}
