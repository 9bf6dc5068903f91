package wording

import "strings"

// Nearest returns the name that word was probably meant to be: the one that takes the fewest changes of a letter, the first of several; else one that
// begins with it; "" where none is near. Names are in lower case.
func Nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, least := "", min(4, 1+(len(word)+2)/3)
	for _, name := range names {
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	for _, name := range names {
		if best == "" && len(word) > 2 && strings.HasPrefix(name, word) {
			best = name
		}
	}
	return best
}

// distance is how many letters must be put in, taken out, changed or swapped with their neighbour to make b of a (optimal string
// alignment). Words over 40 bytes are as far as can be.
func distance(a, b string) int {
	const longest = 40
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [longest + 1][longest + 1]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j], rows[i][j-1], rows[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
