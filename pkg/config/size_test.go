package config

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseSizeReadsUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"0": 0, "512": 512, "512B": 512, " 7 MiB ": 7 << 20, "20GiB": 20 << 30, "20gib": 20 << 30,
		"500MB": 500e6, "1.5GiB": 3 << 29, "0.5 kB": 500, "2TiB": 2 << 40, "3TB": 3e12, "1KiB": 1024,
		"9223372036854775807": math.MaxInt64,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseSizeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "empty", "  ": "empty", "-1": "negative", "-5GiB": "negative", "lots": "can't be read", "GiB": "can't be read",
		"5 apples": "can't be read", "1.5": "can't be read", "1e9": "can't be read", "0x10": "can't be read", "+1": "can't be read",
		"1.2.3GiB": "can't be read", ".GiB": "can't be read", "1_000": "can't be read",
		"20G": "write 20GiB (by 1024) or 20GB (by 1000)", "20 k": "write 20KiB (by 1024)",
		"9223372036854775808": "can't be read", "9000000TiB": "larger than any file", "8388608.5TiB": "larger than any file",
	} {
		if got, err := ParseSize(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSize(%q) = %d, %v; want an error with %q", text, got, err, want)
		}
	}
}

func TestSizesPrintShort(t *testing.T) {
	t.Parallel()
	for size, want := range map[Size]string{
		0: "0", 20 << 30: "20GiB", 256 << 20: "256MiB", 500e6: "500MB", 1023: "1023B", 1 << 40: "1TiB", 1e12: "1TB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d prints %q, want %q", int64(size), got, want)
		}
	}
}

func TestASizeReadsBackAsItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := Size(rapid.Int64Range(0, math.MaxInt64).Draw(t, "size"))
		shift := rapid.IntRange(0, 62).Draw(t, "shift")
		size = size >> shift << shift
		printed, err := size.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Size
		if err := again.UnmarshalText(printed); err != nil || again != size {
			t.Fatalf("%d prints %q, which reads as %d, %v", int64(size), printed, int64(again), err)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"20GiB", "1.5 kB", "20G", "-1", "9223372036854775807", "..", "1.7976931348623157e308"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if size, err := ParseSize(text); err == nil && size < 0 {
			t.Fatalf("ParseSize(%q) = %d", text, int64(size))
		}
	})
}
