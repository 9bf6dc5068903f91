package explain

import (
	"strconv"
	"strings"

	"dgram/internal/terminal"
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
	text := e.option(setting, c.Option, "n", count(n), "onoff", e.onOff(n), "ms", ms, "text", terminal.Escape(c.Value))
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
func (e *Explainer) option(table map[string]Text, o sock.Opt, pairs ...string) string {
	t, ok := table[o.Name]
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

func (e *Explainer) get(c *sock.Call) string {
	if c.Errno != 0 {
		return e.failed(c, "failed")
	}
	n, _ := intOf(c.Value)
	name := ""
	switch c.Option.Name {
	case "SO_DOMAIN":
		name = sock.Family(n).String()
	case "SO_TYPE":
		name = sock.Type(n).String()
	case "SO_PROTOCOL":
		name = sock.Proto(n).String()
	}
	queued, drops := "?", "?"
	if c.Option.Name == "SO_MEMINFO" && len(c.Value) >= 36 {
		queued, drops = count(int(native32(c.Value))), count(int(native32(c.Value[32:])))
	}
	text := e.option(asking, c.Option, "n", count(n), "name", name, "onoff", e.onOff(n), "queued", queued, "drops", drops)
	return e.say(calls["getsockopt"], "option", optionName(c.Option), "text", text)
}
