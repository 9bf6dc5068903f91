package explain

import (
	"strconv"
	"strings"
	"syscall"

	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/sock"
)

func (e *Explainer) set(c *sock.Call, s *socket) string {
	if c.Errno != 0 {
		if strings.HasSuffix(c.Option.Name, "FORCE") {
			return e.failed(c, "failed option force")
		}
		return e.failed(c, "failed")
	}
	ms := ""
	if c.Option.Name == "SO_RCVTIMEO" && len(c.Value) == 16 {
		ms = strconv.FormatInt(native64(c.Value)*1000+native64(c.Value[8:])/1000, 10)
		s.turn = ms
	}
	n, _ := intOf(c.Value)
	name, pairs := packetSetting(c)
	text := e.option(setting, name, append(pairs, "n", count(n), "onoff", e.onOff(n), "ms", ms, "fragments", e.fragments(n), "text", terminal.Escape(c.Value))...)
	if c.CopyOf < 0 {
		return e.say(calls["setsockopt"], "option", optionName(c.Option), "text", text)
	}
	if of := e.sockets[c.CopyOf]; of != nil {
		*s = *of
		s.turn, of.as = ms, c.FD
	}
	return e.say(calls["setsockopt copy"], "fd", strconv.Itoa(c.FD), "of", strconv.Itoa(c.CopyOf), "option", optionName(c.Option), "text", text)
}

// option is the explanation of an option that was set or asked for.
func (e *Explainer) option(table map[string]Text, name string, pairs ...string) string {
	t, ok := table[name]
	if !ok {
		t = phrases["unknown option"]
	}
	return e.say(t, pairs...)
}

func (e *Explainer) onOff(n int) string {
	if n == 0 {
		return e.phrase("off")
	}
	return e.phrase("on")
}

// fragments says what a value of IP_MTU_DISCOVER means.
func (e *Explainer) fragments(n int) string {
	key := "fragments " + strconv.Itoa(n)
	if _, known := phrases[key]; !known {
		return strconv.Itoa(n)
	}
	return e.phrase(key)
}

func (e *Explainer) get(c *sock.Call, s *socket) string {
	if c.Process != 0 {
		s.process = c.Process
	}
	if c.Errno != 0 {
		return e.failed(c, "failed")
	}
	key := c.Option.Name
	if key == "SO_PROTOCOL" && s.process == 0 && s.proto == 0 {
		key = "SO_PROTOCOL 0"
	}
	text := e.option(asking, key, e.answer(c, s)...)
	if c.Process == 0 {
		return e.say(calls["getsockopt"], "option", optionName(c.Option), "text", text)
	}
	return e.say(calls["getsockopt copy"], "fd", strconv.Itoa(c.FD), "of", strconv.Itoa(c.CopyOf), "process", strconv.Itoa(c.Process),
		"option", optionName(c.Option), "text", text)
}

// answer is what can be filled in of what getsockopt returned.
func (e *Explainer) answer(c *sock.Call, s *socket) []string {
	n, _ := intOf(c.Value)
	pairs := []string{"onoff", e.onOff(n), "fragments", e.fragments(n)}
	switch c.Option.Name {
	case "SO_DOMAIN":
		s.family = sock.Family(n)
		pairs = append(pairs, "name", e.named(n, s.family.String()))
	case "SO_TYPE":
		pairs = append(pairs, "name", e.named(n, sock.Type(n).String()))
	case "SO_PROTOCOL":
		pairs = append(pairs, "name", e.named(n, sock.Proto(n).Name(s.family)))
	case "SO_ERROR":
		pairs = append(pairs, "error", e.pending(syscall.Errno(n)))
	case "SO_BINDTODEVICE":
		pairs = append(pairs, "device", e.device(c.Value))
	case "SO_MEMINFO":
		queued, drops := "?", "?"
		if len(c.Value) >= 36 {
			queued, drops = count(int(native32(c.Value))), count(int(native32(c.Value[32:])))
		}
		pairs = append(pairs, "queued", queued, "drops", drops)
	case "PACKET_STATISTICS":
		if packets, drops, ok := statistics(c); ok {
			return []string{"n", count(packets), "drops", count(drops)}
		}
	}
	return append(pairs, "n", count(n))
}

// named is a number with its name, if it has one.
func (e *Explainer) named(n int, name string) string {
	if name == strconv.Itoa(n) {
		return name
	}
	return e.phrase("number", "n", strconv.Itoa(n), "name", name)
}

// pending is the error that a socket had kept.
func (e *Explainer) pending(errno syscall.Errno) string {
	if errno == 0 {
		return e.phrase("nothing")
	}
	return ledger.ErrnoName(errno) + ": " + e.why(errno)
}

func (e *Explainer) device(value []byte) string {
	name, _, _ := strings.Cut(string(value), "\x00")
	if name == "" {
		return e.phrase("no device")
	}
	return terminal.EscapeString(name)
}
