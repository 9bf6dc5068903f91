//go:build !linux

package sock

var (
	knownOptions []Opt
	levelNames   map[int]string
)
