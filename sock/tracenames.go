package sock

import (
	"slices"
	"strconv"
)

// Options lists the socket options that this package has a name for, and the control messages. The caller owns the slice.
func Options() []Opt { return slices.Clone(knownOptions) }

// NameOpt returns the option with that level and number; its Name is empty where this package has none.
func NameOpt(level, code int) Opt {
	for _, o := range knownOptions {
		if o.Level == level && o.Code == code {
			return o
		}
	}
	return Opt{Level: level, Code: code}
}

// LevelName is the name that the system's headers give to the level of an option, "SOL_UDP", or its number.
func (o Opt) LevelName() string {
	if name, ok := levelNames[o.Level]; ok {
		return name
	}
	return strconv.Itoa(o.Level)
}
