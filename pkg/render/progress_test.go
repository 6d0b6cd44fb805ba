package render

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func TestProgressSaysHowFarAndHowLong(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		p     Progress
		width int
		want  string
	}{
		{"half way", Progress{Done: 64 * mib, Total: 128 * mib, Elapsed: 4 * time.Second, Note: "34,601 assets"}, 100, "[===============               ]  50%  64 MiB of 128 MiB  34,601 assets  16 MiB/s  4s left"},
		{"a narrow terminal", Progress{Done: 64 * mib, Total: 128 * mib, Elapsed: 4 * time.Second, Note: "34,601 assets"}, 76, "[========        ]  50%  64 MiB of 128 MiB  34,601 assets  16 MiB/s  4s left"},
		{"a very narrow one", Progress{Done: 64 * mib, Total: 128 * mib, Elapsed: 4 * time.Second, Note: "34,601 assets"}, 30, "50%  64 MiB of 128 MiB  34,60…"},
		{"the begin", Progress{Total: 128 * mib}, 60, "[                              ]   0%  0 B of 128 MiB"},
		{"the end", Progress{Done: 2 * mib, Total: 2 * mib, Elapsed: 2 * time.Second}, 60, "[======================] 100%  2.0 MiB of 2.0 MiB  1.0 MiB/s"},
		{"a file that has grown", Progress{Done: 3 * mib, Total: 2 * mib}, 60, "[==============================] 100%  3.0 MiB of 2.0 MiB"},
		{"a pipe", Progress{Done: 3 * mib, Elapsed: time.Second, Note: "5 assets"}, 60, "3.0 MiB  5 assets  3.0 MiB/s"},
		{"not counted", Progress{Uncounted: true, Elapsed: 1900 * time.Millisecond, Note: "counting"}, 60, "counting  1s"},
		{"not counted, at the begin", Progress{Uncounted: true, Elapsed: 900 * time.Millisecond, Note: "counting"}, 60, "counting"},
		{"long to go", Progress{Done: mib, Total: 1 << 30, Elapsed: time.Minute}, 100, "[                              ]   0%  1.0 MiB of 1.0 GiB  17 KiB/s  17h3m left"},
	} {
		got := c.p.Line(c.width)
		if got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		if ansi.StringWidth(got) > c.width {
			t.Errorf("%s: %d columns wide, at most %d are there", c.name, ansi.StringWidth(got), c.width)
		}
	}
}
