package stage

import (
	"strconv"
	"strings"
	"time"

	"dgram"
)

// The faults are pure functions of the seed, the flow, the direction and the datagram's index in its flow. Two of one kind in one plan
// therefore do the same to a datagram.

var lossSpec = Spec{
	Name: "loss", Kind: Fault, Argument: "SHARE",
	Summary:  "that share of the datagrams is lost: 10% or 0.1",
	Examples: []string{"loss:10%", "loss:0.1"},
	New: func(argument string) (Step, error) {
		p, err := parseShare(argument)
		return faultStep(loss(p).Apply), err
	},
}

var delaySpec = Spec{
	Name: "delay", Kind: Fault, Argument: "TIME[±JITTER]",
	Summary:  "replies held back so long; 20ms±5ms (or +-): 15 to 25 ms, evenly spread",
	Examples: []string{"delay:20ms", "delay:20ms±5ms"},
	New: func(argument string) (Step, error) {
		f, err := parseDelay(argument)
		return faultStep(f.Apply), err
	},
}

var duplicateSpec = Spec{
	Name: "duplicate", Kind: Fault, Argument: "SHARE",
	Summary:  "that share of the replies is sent twice",
	Examples: []string{"duplicate:5%"},
	New: func(argument string) (Step, error) {
		p, err := parseShare(argument)
		return faultStep(duplicate(p).Apply), err
	},
}

func faultStep(f StageFunc) Step { return Step{Needs: NeedIndex, New: func() Stage { return f }} }

type loss float64

func (p loss) Apply(c *Context, _ *dgram.Datagram, e *Effect) {
	if chance(draw(c, drawLoss), float64(p)) {
		e.Drop = dgram.ReasonLoss
	}
}

type duplicate float64

func (p duplicate) Apply(c *Context, _ *dgram.Datagram, e *Effect) {
	if chance(draw(c, drawDuplicate), float64(p)) {
		e.Extra++
	}
}

// delay holds back for shortest and up to span more.
type delay struct{ shortest, span time.Duration }

func (f delay) Apply(c *Context, _ *dgram.Datagram, e *Effect) {
	e.Delay += f.shortest + time.Duration(below(draw(c, drawDelay), uint64(f.span)+1))
}

// parseShare reads 10% or 0.1.
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.Trim(number, "0123456789.") != "" {
		return 0, At(0, "write 10% or 0.1", "%s is no share", quote(s))
	}
	if percent {
		p /= 100
	}
	switch {
	case p > 1 && !percent && p <= 100:
		return 0, At(0, "did you mean "+number+"%?", "a share is at most 1")
	case p > 1:
		return 0, At(0, "", "a share is at most 100%%")
	}
	return p, nil
}

// longestDelay bounds what a delay may ask for.
const longestDelay = time.Hour

// parseDelay reads 20ms, 20ms±5ms, 20ms+-5ms.
func parseDelay(s string) (delay, error) {
	base, jitter, sign := s, "", ""
	for _, sign = range []string{"±", "+-", "+/-"} {
		var ok bool
		if base, jitter, ok = strings.Cut(s, sign); ok {
			break
		}
		sign = ""
	}
	d, err := parseTime(base)
	if err != nil || sign == "" {
		return delay{shortest: d}, err
	}
	j, err := parseTime(jitter)
	if err != nil {
		return delay{}, shift(err, len(base)+len(sign))
	}
	if j > d {
		return delay{}, At(len(base)+len(sign), "", "the jitter is at most the delay: no datagram leaves before it came")
	}
	return delay{shortest: d - j, span: 2 * j}, nil
}

func parseTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && s != "" && strings.Trim(s, "0123456789.") == "":
		return 0, At(len(s), "write "+s+"ms or "+s+"s", "the unit is missing")
	case err != nil || strings.HasPrefix(s, "+"):
		return 0, At(0, "write 20ms, 1.5s or 250us", "%s is no time", quote(s))
	case d < 0 || d > longestDelay:
		return 0, At(0, "", "a delay is from 0 to %v", longestDelay)
	}
	return d, nil
}
