package tracking

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// A hash is that of the state alone, wherever it is written, and nothing else of the state
// stays there.
func TestAHashIsAppended(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "one", strings.Repeat("long", 1000)} {
		sum := sha256.Sum256([]byte(text))
		want := hex.EncodeToString(sum[:])
		s := State{Text: text, Given: true}
		if got := s.Hash(); got != want {
			t.Errorf("%.10s: %s, want %s", text, got, want)
		}
		for _, room := range []int{0, 70, 5000} {
			if got := string(s.AppendHash(append(make([]byte, 0, room), "before "...))); got != "before "+want {
				t.Errorf("%.10s in %d: %s, want %s", text, room, got, want)
			}
		}
	}
	if got := (State{Text: "not given"}).Hash(); got != "" {
		t.Errorf("of none: %s", got)
	}
}
