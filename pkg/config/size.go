package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, ≥ 0. It marshals as the shortest text that is
// exact ("20GiB") and unmarshals from any that ParseSize reads.
type Size int64

// unit is a suffix of a size.
type unit struct {
	name  string
	bytes int64
}

// units returns the suffixes, larger ones first and, of each pair, the binary
// one (IEC 80000-13) before the decimal one (SI).
func units() []unit {
	return []unit{
		{"TiB", 1 << 40},
		{"TB", 1e12},
		{"GiB", 1 << 30},
		{"GB", 1e9},
		{"MiB", 1 << 20},
		{"MB", 1e6},
		{"KiB", 1 << 10},
		{"kB", 1e3},
		{"B", 1},
	}
}

// ParseSize reads bytes as a plain number or with a unit: 512, 20GiB, 1.5 GB.
// Units are read without regard to case; KiB is 1024 bytes, kB is 1000.
func ParseSize(text string) (Size, error) {
	text = strings.TrimSpace(text)
	end := strings.LastIndexAny(text, "0123456789.") + 1
	number, suffix := text[:end], strings.TrimSpace(text[end:])
	switch {
	case text == "":
		return 0, errors.New(`a size is empty: write "20GiB" or a number of bytes`)
	case strings.HasPrefix(text, "-"):
		return 0, fmt.Errorf("size %q is negative: write 0 or more", text)
	case suffix == "":
		suffix = "B"
	}
	factor := int64(0)
	for _, u := range units() {
		if strings.EqualFold(u.name, suffix) {
			factor = u.bytes
		}
	}
	if factor == 0 {
		if letter := strings.ToUpper(suffix); len(letter) == 1 && strings.Contains("KMGT", letter) {
			return 0, fmt.Errorf("size %q: write %s%siB (by 1024) or %s%sB (by 1000)", text, number, letter, number, letter)
		}
		return 0, unreadableSize(text)
	}
	if whole, err := strconv.ParseUint(number, 10, 63); err == nil {
		if whole > math.MaxInt64/uint64(factor) {
			return 0, tooLarge(text)
		}
		return Size(whole) * Size(factor), nil
	}
	if factor == 1 || strings.Trim(number, "0123456789.") != "" {
		return 0, unreadableSize(text)
	}
	fraction, err := strconv.ParseFloat(number, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, unreadableSize(text)
	}
	if fraction*float64(factor) >= math.MaxInt64 {
		return 0, tooLarge(text)
	}
	return Size(fraction * float64(factor)), nil
}

func unreadableSize(text string) error {
	return fmt.Errorf(`size %q can't be read: write "20GiB", "500MB" or a number of bytes`, text)
}

func tooLarge(text string) error {
	return fmt.Errorf("size %q is larger than any file", text)
}

// String prints the size in the largest unit that divides it, so that it reads
// back as the same number.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	best := unit{"B", 1}
	for _, u := range units() {
		if int64(s)%u.bytes == 0 && u.bytes > best.bytes {
			best = u
		}
	}
	return strconv.FormatInt(int64(s)/best.bytes, 10) + best.name
}

// MarshalText prints what String does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSize does.
func (s *Size) UnmarshalText(text []byte) error {
	size, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = size
	return nil
}
