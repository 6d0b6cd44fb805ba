package render

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// The id, the endpoint and the object never go; what kind of failure it is goes
// last.
func TestFailuresOnNarrowTerminalsKeepWhatMatters(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		60: "ID ENDPOINT OBJECT STATE", 80: "ID ENDPOINT OBJECT STATE REASON", 90: "ID ENDPOINT OBJECT STATE REASON STATUS",
	} {
		var out bytes.Buffer
		if err := (&Printer{Out: &out, Width: width, Now: now}).Failures(sampleFailures(), nil); err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(out.String(), "\n")
		if got := strings.Join(strings.Fields(header), " "); got != want {
			t.Errorf("at width %d the columns are %q, want %q", width, got, want)
		}
	}
}

func TestATryThatIsDueWaitsForItsEndpoint(t *testing.T) {
	t.Parallel()
	due, later := ago(time.Hour), ago(-time.Minute)
	for _, tt := range []struct {
		next  *time.Time
		state string
		want  string
	}{
		{due, "sick", "when it answers"},
		{due, "disabled", "when enabled"},
		{due, "gone", "when enabled"},
		{due, "healthy", "now"},
		{due, "", "now"},
		{later, "sick", "in 1m"},
		{nil, "sick", ""},
	} {
		if got := nextTry(api.Failure{NextAttempt: tt.next}, tt.state, now); got != tt.want {
			t.Errorf("%v of an endpoint that is %q: got %q, want %q", tt.next, tt.state, got, tt.want)
		}
	}
}

func TestARejectedLineIsCutInPipesToo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	list := []api.Rejected{{Source: "spool", Line: strings.Repeat("x", 5000)}}
	if err := (&Printer{Out: &out, Now: now}).Rejected(list); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "x"); got != maxRejectedWidth-1 {
		t.Errorf("%d characters of the line are shown, want %d and a mark", got, maxRejectedWidth-1)
	}
}
