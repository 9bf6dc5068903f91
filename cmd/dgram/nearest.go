package main

import "strings"

// nearest returns the name that word may have been meant to be: one that begins with it, or the one that takes the fewest changes of a
// letter; "" where none is near.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, least := "", min(4, 1+(len(word)+2)/3)
	for _, name := range names {
		if len(word) > 2 && strings.HasPrefix(name, word) {
			return name
		}
		if d := changes(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	return best
}

// changes counts the letters to put in, take out or replace to make b of a (Levenshtein's distance).
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
