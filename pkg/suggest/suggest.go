// Package suggest finds the word that was probably meant.
package suggest

import (
	"strings"
	"unicode/utf8"
)

// Nearest returns the candidate that differs least from word, without regard
// to case, or "" if none is near enough to be what was meant (more than about a
// third of the word would have to change). Of two equally near the one that
// begins alike wins.
func Nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, bestDistance := "", utf8.RuneCountInString(word)/3+2
	for _, candidate := range candidates {
		lower := strings.ToLower(candidate)
		d := distance(word, lower)
		nearer := d < bestDistance
		if d == bestDistance && best != "" {
			nearer = commonPrefix(word, lower) > commonPrefix(word, strings.ToLower(best))
		}
		if nearer {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// Clause returns "; did you mean X?" for the nearest candidate, or "" without one.
func Clause(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// commonPrefix counts the bytes with which a and b both begin.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// distance is Levenshtein's: insertions, deletions and replacements of runes.
func distance(a, b string) int {
	runes := []rune(b)
	row := make([]int, len(runes)+1)
	for i := range row {
		row[i] = i
	}
	line := 0
	for _, ra := range a {
		line++
		diagonal := row[0]
		row[0] = line
		for j, rb := range runes {
			cost := diagonal
			if ra != rb {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(runes)]
}
