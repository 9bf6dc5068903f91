package stage

import "strings"

// splitWords splits a command into words as a POSIX shell does (Shell Command Language, Section 2.2, Quoting), and does nothing else that a
// shell does: blanks separate; '…' keeps everything; "…" keeps everything but \" and \\; elsewhere a backslash keeps the next character.
// It returns the offset at which each word begins, too.
func splitWords(s string) (words []string, offsets []int, err error) {
	if nul := strings.IndexByte(s, 0); nul >= 0 {
		return nil, nil, At(nul, "", "a word holds no NUL")
	}
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\n\r", s[i]) >= 0 {
			i++
			continue
		}
		word, n, err := scanWord(s[i:])
		if err != nil {
			return nil, nil, shift(err, i)
		}
		words, offsets = append(words, word), append(offsets, i)
		i += n
	}
	return words, offsets, nil
}

// scanWord reads the word that s begins with and returns how many bytes it took.
func scanWord(s string) (word string, n int, err error) {
	var b strings.Builder
	quote, opened := byte(0), 0
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == quote:
			quote = 0
		case quote == '\'':
			b.WriteByte(c)
		case c == '\\':
			switch {
			case i+1 == len(s):
				return "", 0, At(i, `write \\ for a backslash`, "nothing follows the backslash")
			case quote == 0 || s[i+1] == '"' || s[i+1] == '\\':
				i++
				b.WriteByte(s[i])
			default:
				b.WriteByte(c)
			}
		case quote == 0 && (c == '\'' || c == '"'):
			quote, opened = c, i
		case quote == 0 && strings.IndexByte(" \t\n\r", c) >= 0:
			return b.String(), i, nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, At(opened, "", "the quote that begins here is not closed")
	}
	return b.String(), i, nil
}
