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

// What was never sent the receiver can't have taken; of all else that failed, that
// can't be known.
func TestWhatAReceiverMayHaveTaken(t *testing.T) {
	t.Parallel()
	unsent := []Reason{Compose, DNS, Denied, Refusal, Unreachable, ConnectTimeout}
	for _, verdict := range []Verdict{Refused, Unavailable, Gone} {
		for _, reason := range Reasons() {
			o := Outcome{Verdict: verdict, Reason: reason}
			if want := !slices.Contains(unsent, reason); o.IsUnclear() != want {
				t.Errorf("%s, %s: unclear is %v, want %v", verdict, reason, !want, want)
			}
		}
	}
	for _, o := range []Outcome{{Verdict: Delivered, Reason: OK}, {Verdict: Aborted}, {Verdict: Skipped, Reason: Untracked}, {Verdict: Held, Reason: TooManyDeletions}} {
		if o.IsUnclear() {
			t.Errorf("%s is unclear", o.Verdict)
		}
	}
}
