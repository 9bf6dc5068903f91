package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"dgram"
	"dgram/stage"
)

// guardFlags say what serve does not answer.
type guardFlags struct {
	limit     rate
	trusted   prefixes
	maxReply  size
	loopGuard choice
}

func (f *guardFlags) define(fs *pflag.FlagSet) {
	f.limit, f.loopGuard = stage.DefaultLimit, choice{"on", []string{"on", "off"}}
	fs.Var(&f.limit, "limit", "answer each address on other machines `RATE` times a second, and 2.5 s of that at once; off: as often as it likes")
	fs.Var(&f.trusted, "trusted", "do not limit addresses in `CIDR`, nor look at their ports; may be given several times")
	fs.Var(&f.maxReply, "max-reply", "let replies to other machines have so many `BYTES`, even if that is more than the request (default no more than the request)")
	fs.Var(&f.loopGuard, "loop-guard", "on: drop each 64th datagram in a row that equals the last reply to its sender, so that two servers do not answer each other for ever; off: answer them all")
}

func (f *guardFlags) check() error {
	if f.maxReply > dgram.MaxPayload {
		return fmt.Errorf("--max-reply %s: a datagram carries at most %d bytes", f.maxReply.String(), dgram.MaxPayload)
	}
	return nil
}

// config is what package stage makes guards of; first is told of the first datagram that each stops.
func (f *guardFlags) config(first func(string)) stage.GuardConfig {
	c := stage.GuardConfig{Limit: int(f.limit), Trusted: f.trusted, MaxReply: int(f.maxReply), AnyLoop: f.loopGuard.value == "off"}
	if f.limit == 0 {
		c.Limit = -1
	}
	c.OnFirst = func(reason dgram.Reason, peer dgram.Endpoint) {
		if text := f.stopped(reason, peer); text != "" {
			first(text)
		}
	}
	return c
}

// stopped says what a guard has stopped, and how to let it pass.
func (f *guardFlags) stopped(reason dgram.Reason, peer dgram.Endpoint) string {
	switch host := peer.Addr().WithZone(""); reason {
	case dgram.ReasonLimit:
		return fmt.Sprintf("%s, or its network, sends more than is answered (%s): the rest is dropped (limit); --trusted %s or --limit lets more pass",
			host, f.limit.each(), netip.PrefixFrom(host, host.BitLen()))
	case dgram.ReasonLoop:
		return fmt.Sprintf("%s sends our own replies back, 64 in a row: each 64th is dropped (loop), lest it never end; --loop-guard=off answers them all", peer)
	case dgram.ReasonAmplify:
		return fmt.Sprintf("a reply to %s is larger than its request: such replies to other machines are dropped, and so are copies (amplify); --max-reply lets them pass", peer)
	case dgram.ReasonSource:
		return fmt.Sprintf("%s gets no answer (source): no client has such an address or port; --trusted lets any port pass", peer)
	}
	return ""
}

// notes are what a person should know of the guards of a server that other machines can reach at these addresses.
func (f *guardFlags) notes(open []string) (notes []string) {
	if len(open) == 0 {
		return nil
	}
	size := "no reply larger than its request"
	if f.maxReply > 0 {
		size = fmt.Sprintf("replies of up to %d bytes", f.maxReply)
	}
	notes = append(notes, fmt.Sprintf("%s can be reached from other machines: they get %s, %s", strings.Join(open, " and "), size, f.limit.each()))
	if f.maxReply > 0 {
		notes = append(notes, fmt.Sprintf("--max-reply %d: who forges the address of a victim can have so much sent to it for one byte of their own; "+
			"let only networks that you trust reach this server", f.maxReply))
	}
	return notes
}

// rate is how often a second; 0 is no limit.
type rate int

// Set reads a rate.
func (r *rate) Set(text string) error {
	if text == "off" {
		*r = 0
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "/s"))
	if err != nil || n < 1 || n > stage.MostLimit {
		return fmt.Errorf("give how often a second, from 1 to %d, or off", stage.MostLimit)
	}
	*r = rate(n)
	return nil
}

// String writes what Set reads.
func (r *rate) String() string {
	if *r == 0 {
		return "off"
	}
	return strconv.Itoa(int(*r))
}

// Type names the value in help.
func (r *rate) Type() string { return "rate" }

// each says what one address gets.
func (r *rate) each() string {
	if *r == 0 {
		return "as often as they like"
	}
	return fmt.Sprintf("%d a second for each address", *r)
}

// prefixes are networks, given one at a time.
type prefixes []netip.Prefix

// Set adds a network, or one address.
func (p *prefixes) Set(text string) error {
	n, err := netip.ParsePrefix(text)
	if err != nil {
		a, addrErr := netip.ParseAddr(text)
		if addrErr != nil || a.Zone() != "" {
			return errors.New("not a network: write 192.0.2.0/24, 2001:db8::/32 or one address")
		}
		n = netip.PrefixFrom(a, a.BitLen())
	}
	if a := n.Addr(); a.Is4In6() {
		if n.Bits() < 96 {
			return errors.New("IPv4 networks are written as such: 192.0.2.0/24")
		}
		n = netip.PrefixFrom(a.Unmap(), n.Bits()-96)
	}
	*p = append(*p, n.Masked())
	return nil
}

// String is the default in help: none.
func (p *prefixes) String() string { return "" }

// Type names the value in help.
func (p *prefixes) Type() string { return "cidr" }
