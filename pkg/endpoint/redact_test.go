package endpoint

import (
	"strings"
	"testing"
)

func TestRedactURLMasksWhatMayBeASecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://shop.example/hook":               "https://shop.example/hook",
		"https://u:p@shop.example/hook":           "https://***@shop.example/hook",
		"https://u:p%40x@shop.example:8443/hook":  "https://***@shop.example:8443/hook",
		"https://shop.example/hook?token=abc&x=1": "https://shop.example/hook?token=***&x=***",
		"https://shop.example/hook?abc":           "https://shop.example/hook?***",
		"https://shop.example/hook?":              "https://shop.example/hook?",
		"https://u@shop.example?token=a@b/c":      "https://***@shop.example?token=***",
		"//u:p@shop.example/hook":                 "//***@shop.example/hook",
		"u:p@shop.example":                        "***",
		"shop?token=abc":                          "***",
		"":                                        "",
		"shop.example/hook":                       "shop.example/hook",
	} {
		if got := RedactURL(text); got != want {
			t.Errorf("RedactURL(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestAURLCanBeSentBackAsItWasShown(t *testing.T) {
	t.Parallel()
	const stored = "https://u:p@shop.example/hook?token=abc&x=1"
	for text, want := range map[string]string{
		RedactURL(stored):                             stored,
		"https://***@shop.example/other?token=***":    "https://u:p@shop.example/other?token=abc",
		"https://new:one@shop.example/hook?token=***": "https://new:one@shop.example/hook?token=abc",
		"https://shop.example/plain":                  "https://shop.example/plain",
		"https://shop.example/hook?token=new&x=***":   "https://shop.example/hook?token=new&x=1",
	} {
		if got, err := UnmaskURL(text, stored); err != nil || got != want {
			t.Errorf("UnmaskURL(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"https://***@shop.example/":        "user and password",
		"https://shop.example/?secret=***": `the query's "secret"`,
	} {
		if got, err := UnmaskURL(text, "https://shop.example/"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("UnmaskURL(%q) = %q, %v; want an error about %s", text, got, err, want)
		}
	}
}

func FuzzRedactURL(f *testing.F) {
	for _, seed := range []string{"shop.example/x", "h", "a.b:8080", "[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		host = strings.ReplaceAll(host, "hunter2", "")
		if strings.ContainsAny(host, "/?#@") {
			return // the secrets would stand elsewhere
		}
		if got := RedactURL("https://user:hunter2@" + host + "/x?token=hunter2"); strings.Contains(got, "hunter2") {
			t.Errorf("with host %q: %q", host, got)
		}
	})
}
