package attempt

import (
	"slices"
	"testing"
	"time"
)

func TestEveryVerdictHasAWord(t *testing.T) {
	t.Parallel()
	words := make(map[string]Verdict)
	for v := Delivered; v <= Held; v++ {
		word := v.String()
		if other, taken := words[word]; taken || word == "unknown" {
			t.Errorf("verdicts %d and %d are both %q", other, v, word)
		}
		words[word] = v
	}
	for _, v := range []Verdict{0, Held + 1} {
		if v.String() != "unknown" {
			t.Errorf("verdict %d is %q", v, v)
		}
	}
}

// The words are what scripts select by, so they stay.
func TestReasonsAreWordsThatScriptsSelectBy(t *testing.T) {
	t.Parallel()
	want := []Reason{
		"dns", "denied", "connection-refused", "unreachable", "connect-timeout", "tls", "timeout", "connection-closed",
		"bad-answer", "answer-too-large", "redirect", "rate-limited", "gone", "client-error", "server-error",
		"unexpected-status", "compose", "shutdown", "no-item-in-answer",
	}
	if got := Reasons(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, reason := range SkipReasons() {
		if slices.Contains(Reasons(), reason) {
			t.Errorf("%s is no failure", reason)
		}
	}
	if slices.Contains(Reasons(), OK) {
		t.Error("a success is no reason to select failures by")
	}
}

func TestAnOutcomeEndsWhenItsAttemptDid(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got, want := (Outcome{Started: start, Duration: 1500 * time.Millisecond}).Ended(), start.Add(1500*time.Millisecond); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}
