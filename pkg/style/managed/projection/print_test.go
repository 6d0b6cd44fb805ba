package projection

import (
	"encoding/json"
	"testing"
)

// Prints are kept, and compared with those of later versions: they are to stay as long as
// digests do. Where those of TestDigestsStayWhatTheyWere can't, hashVersion is raised.
func TestPrintsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	if got := newProjection(t, []string{"acno"}, DefaultIgnore()).Print(json.RawMessage(asset)); got != 0xf78c3e9bc3e34f0a {
		t.Errorf("%#x", got)
	}
}

// Whatever makes another digest of the same bytes makes another print of them.
func TestPrintsDifferByWhatDecides(t *testing.T) {
	t.Parallel()
	sent := json.RawMessage(`{"a":1,"b":2,"metadata":{"a":1,"b":2}}`)
	seen := make(map[uint64]string)
	for _, tt := range []struct {
		name           string
		fields, ignore []string
		sent           json.RawMessage
	}{
		{"the first", []string{"a"}, []string{"b"}, sent},
		{"other fields", []string{"b"}, []string{"b"}, sent},
		{"another pattern", []string{"a"}, []string{"a"}, sent},
		{"a field is a pattern", nil, []string{"a", "b"}, sent},
		{"a pattern is a field", []string{"a", "b"}, nil, sent},
		{"two are one", []string{"ab"}, nil, sent},
		{"neither", nil, nil, sent},
		{"another order of members", []string{"a"}, []string{"b"}, json.RawMessage(`{"b":2,"a":1,"metadata":{"a":1,"b":2}}`)},
	} {
		p := newProjection(t, tt.fields, tt.ignore)
		got := p.Print(tt.sent)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the print of %s", tt.name, other)
		}
		seen[got] = tt.name
		if again := newProjection(t, tt.fields, tt.ignore).Print(append(json.RawMessage(nil), tt.sent...)); again != got {
			t.Errorf("%s: %x, then %x", tt.name, got, again)
		}
	}
}
