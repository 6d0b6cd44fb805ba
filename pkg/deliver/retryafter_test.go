package deliver

import (
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{ // from now; 0: not asked
		"1":       time.Second,
		"120":     2 * time.Minute,
		" 120 ":   2 * time.Minute,
		"0120":    2 * time.Minute,
		"86400":   24 * time.Hour,
		"86401":   24 * time.Hour,
		"9999999": 24 * time.Hour,

		strings.Repeat("9", 40): 24 * time.Hour,

		"Sat, 21 Nov 2026 10:05:00 GMT":    5 * time.Minute, // IMF-fixdate
		"Saturday, 21-Nov-26 10:05:00 GMT": 5 * time.Minute, // RFC 850
		"Sat Nov 21 10:05:00 2026":         5 * time.Minute, // asctime
		"Sun, 22 Nov 2026 10:00:00 GMT":    24 * time.Hour,
		"Fri, 31 Dec 2027 23:59:59 GMT":    24 * time.Hour,

		"0":                             0,
		"":                              0,
		"-5":                            0,
		"+5":                            0,
		"1.5":                           0,
		"5s":                            0,
		"1e3":                           0,
		"soon":                          0,
		"٣":                             0,
		"Sat, 21 Nov 2026 10:00:00 GMT": 0, // now
		"Sat, 21 Nov 2026 09:00:00 GMT": 0, // past
		"2026-11-21T11:00:00Z":          0, // no form of HTTP
	} {
		got := retryAfter(value, now)
		if want == 0 && !got.IsZero() || want != 0 && !got.Equal(now.Add(want)) {
			t.Errorf("retryAfter(%q) = %s, want %s from now", value, got, want)
		}
	}
}

// Whatever a receiver asks for, it is let alone for no more than a day; what it
// asks for in seconds it may ask for by a date, in any form of HTTP.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"120", "0", "-1", "00086400", "86401", " 7\t", "99999999999999999999", "Sat, 21 Nov 2026 10:05:00 GMT",
		"Saturday, 21-Nov-26 10:05:00 GMT", "Sat Nov 21 10:05:00 2026", "Sat, 21 Nov 2026 10:05:00 CET",
	} {
		f.Add(seed, int64(1_795_255_200))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		now := time.Unix(unix%(1<<36), 0)
		got := retryAfter(value, now)
		if !got.IsZero() && (!got.After(now) || got.After(now.Add(maxRetryAfter))) {
			t.Fatalf("retryAfter(%q, %s) = %s, which is not within a day", value, now, got)
		}
		seconds, ok := new(big.Int).SetString(strings.TrimSpace(value), 10)
		if !ok || strings.ContainsAny(value, "+-_") {
			if _, err := http.ParseTime(strings.TrimSpace(value)); err != nil && !got.IsZero() {
				t.Fatalf("retryAfter(%q, %s) = %s, of what is neither seconds nor a date", value, now, got)
			}
			return
		}
		if !seconds.IsInt64() || seconds.Int64() > 86400 {
			seconds.SetInt64(86400)
		}
		want := now.Add(time.Duration(seconds.Int64()) * time.Second)
		if seconds.Sign() == 0 {
			want = time.Time{}
		}
		if !got.Equal(want) {
			t.Fatalf("retryAfter(%q, %s) = %s, want %s", value, now, got, want)
		}
		if year := want.UTC().Year(); want.IsZero() || year < 1970 || year > 2068 {
			return // not every form of HTTP writes the century
		}
		for _, form := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
			if date := want.UTC().Format(form); !retryAfter(date, now).Equal(want) {
				t.Fatalf("retryAfter(%q, %s) = %s, want %s", date, now, retryAfter(date, now), want)
			}
		}
	})
}
