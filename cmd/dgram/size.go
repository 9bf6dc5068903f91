package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a flag's number of bytes: 65507, 64KiB, 4MiB, 1.5MB. Powers of 1,024 have an i, or no B (4M); powers of 1,000 have none.
type size int

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{ // a suffix that ends in another comes first
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1},
}

// Set reads a size.
func (s *size) Set(text string) error {
	number, unit := strings.ToLower(strings.TrimSpace(text)), 1.0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n != n || strings.ContainsAny(number, "xpe_+in") {
		return errors.New("not a size: give bytes, as in 65507, 64KiB or 4MiB")
	}
	if n *= unit; n > math.MaxInt32 {
		return errors.New("more than 2 GiB")
	}
	*s = size(n)
	return nil
}

// String writes the size in the largest unit that divides it.
func (s *size) String() string {
	switch n := int(*s); {
	case n == 0:
		return "0"
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return strconv.Itoa(n)
	}
}

// Type names the value in help.
func (s *size) Type() string { return "bytes" }
