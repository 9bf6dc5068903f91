package bench

import (
	"math"
	"strconv"
	"strings"
)

// FormatCount writes a whole number with commas: 1,234,567.
func FormatCount(n int64) string {
	text, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		text, sign = text[1:], "-"
	}
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// FormatRate writes a rate in units a second, whole from 100 on: 98.5/s, 1,234,567/s.
func FormatRate(perSecond float64) string {
	switch {
	case math.IsNaN(perSecond) || math.Abs(perSecond) >= 1<<53:
		return strconv.FormatFloat(perSecond, 'g', 3, 64) + "/s"
	case math.Abs(perSecond) < 99.95:
		return strconv.FormatFloat(roundTo(perSecond, 3), 'f', -1, 64) + "/s"
	}
	return FormatCount(int64(math.Round(perSecond))) + "/s"
}

// FormatShare writes a share, 0 to 1, in per cent to three digits: 0 %, 0.0123 %, 12.3 %.
func FormatShare(share float64) string {
	return strconv.FormatFloat(roundTo(share*100, 3), 'f', -1, 64) + " %"
}
