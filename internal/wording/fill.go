package wording

import "strings"

// Fill breaks a text between its words into lines of at most columns, by how wide each word is. A word that is wider has a line of its own.
func Fill(text string, columns int, width func(word string) int) string {
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := width(word)
		switch {
		case used == 0:
		case used+1+n > columns:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
