package app

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// appendLabel appends a label of a name.
func appendLabel(line, label []byte) []byte {
	plain := 0 // so many bytes stand as they are
	for plain < len(label) && ' ' <= label[plain] && label[plain] <= '~' && label[plain] != '.' && label[plain] != '\\' {
		plain++
	}
	if line = append(line, label[:plain]...); plain == len(label) {
		return line // nearly always
	}
	text := utf8.Valid(label)
	for _, c := range label[plain:] {
		switch {
		case c == '.' || c == '\\':
			line = append(line, '\\', c)
		case c < ' ' || c == 0x7f || c >= 0x80 && !text:
			line = append(line, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			line = append(line, c)
		}
	}
	return line
}

const hexDigits = "0123456789abcdef"

// appendHex appends at most limit bytes of b in hexadecimal, and an ellipsis where there are more.
func appendHex(line, b []byte, limit int) []byte {
	for i, c := range b {
		if i == limit {
			return append(line, "…"...)
		}
		line = append(line, hexDigits[c>>4], hexDigits[c&15])
	}
	return line
}

// append0x appends v as Wireshark writes IDs: 0x and at least so many digits.
func append0x(line []byte, v uint64, digits int) []byte {
	line = append(line, '0', 'x')
	for digits--; digits > 0 && v>>(4*digits) == 0; digits-- {
		line = append(line, '0')
	}
	return strconv.AppendUint(line, v, 16)
}

func appendUint[T uint8 | uint16 | uint32 | uint64](line []byte, v T) []byte {
	return strconv.AppendUint(line, uint64(v), 10)
}

func appendInt(line []byte, v int) []byte { return strconv.AppendInt(line, int64(v), 10) }

// excerptLength is how much of a payload stands in a line.
const excerptLength = 64

// isText says whether b reads as text: valid UTF-8, but for a rune that is cut at the end, without control characters
// other than those of lines.
func isText(b []byte) bool {
	for len(b) > 0 {
		if c := b[0]; c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
				return false
			}
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			return !utf8.FullRune(b)
		}
		b = b[n:]
	}
	return true
}

// appendExcerpt appends the beginning of a payload: text in quotation marks, bytes as they are; anything else in
// hexadecimal.
func appendExcerpt(line, payload []byte) []byte {
	head := payload[:min(len(payload), excerptLength)]
	if !isText(head) {
		return appendHex(line, payload, excerptLength/4)
	}
	if len(head) < len(payload) {
		head = wholeRunes(head)
	}
	line = append(line, '"')
	line = append(line, bytes.TrimRight(head, "\r\n")...)
	if len(head) < len(payload) {
		line = append(line, "…"...)
	}
	return append(line, '"')
}

// wholeRunes cuts off a rune that has lost its end.
func wholeRunes(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(b)); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// firstLine is what stands before the first line break, without it.
func firstLine(b []byte) []byte {
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}
