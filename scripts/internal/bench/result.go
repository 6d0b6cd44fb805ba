package main

import (
	"fmt"
	"strings"
)

// What becomes of a goal.
const (
	met    = "met"
	missed = "MISSED" // shown, never a failure: it may be the machine
	shown  = "-"      // there is no goal
)

// result is one line of the table.
type result struct {
	Row     string  `json:"row"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Beside  string  `json:"beside,omitempty"` // the yardstick, in the same run and unit
	Than    float64 `json:"than,omitempty"`   // what the yardstick measured
	Ratio   float64 `json:"ratio,omitempty"`  // Value / Than
	Goal    string  `json:"goal,omitempty"`
	Verdict string  `json:"verdict"`
	Note    string  `json:"note,omitempty"`
}

// measured makes a result without yardstick and goal.
func measured(row, what string, value float64, unit string) result {
	return result{Row: row, What: what, Value: value, Unit: unit, Verdict: shown}
}

// beside gives a result a yardstick.
func (r result) beside(name string, value float64) result {
	r.Beside, r.Than = name, value
	if value > 0 {
		r.Ratio = r.Value / value
	}
	return r
}

func (r result) atMost(bound float64) result {
	return r.judged(fmt.Sprintf("≤ %s %s", number(bound), r.Unit), r.Value <= bound)
}

func (r result) atLeast(bound float64) result {
	return r.judged(fmt.Sprintf("≥ %s %s", number(bound), r.Unit), r.Value >= bound)
}

func (r result) ratioAtLeast(bound float64) result {
	return r.judged(fmt.Sprintf("ratio ≥ %.1f", bound), r.Ratio >= bound)
}

func (r result) judged(goal string, ok bool) result {
	r.Goal, r.Verdict = goal, missed
	if ok {
		r.Verdict = met
	}
	return r
}

func (r result) noted(format string, args ...any) result {
	r.Note = fmt.Sprintf(format, args...)
	return r
}

// number writes three significant digits, or all of a large whole number.
func number(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int64(v + 0.5))
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return trim(fmt.Sprintf("%.1f", v))
	default:
		return trim(fmt.Sprintf("%.2f", v))
	}
}

func trim(digits string) string { return strings.TrimSuffix(strings.TrimRight(digits, "0"), ".") }

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
