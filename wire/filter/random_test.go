package filter

import (
	"fmt"

	"pgregory.net/rapid"
)

// expressions makes filters that tcpdump takes, from the grammar.
func expressions(ethernet bool) *rapid.Generator[string] {
	tests := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"ip", "ip6", "arp", "udp", "tcp", "icmp", "icmp6", "sctp", "ip multicast", "ip6 multicast", "less 80", "greater 70"}),
		chosen("%s%s host %s", []string{"", "ip ", "arp "}, directions, addresses4),
		chosen("%s%s host %s", []string{"", "ip6 "}, directions, []string{"fe80::1", "fe80::2", "ff02::fb", "2001:db8::1", "::1"}),
		chosen("%s%s net %s", []string{"", "ip "}, directions, []string{"10", "10.0.0.0/8", "192.168.3", "10.0.0.0/30", "0.0.0.0/0", "10.0.0.1 mask 255.0.0.255"}),
		chosen("%s%s net %s", []string{""}, directions, []string{"fe80::/10", "::/0", "2001:db8::/32", "::/120"}),
		chosen("%s%s port %s", []string{"", "udp ", "tcp ", "sctp "}, directions, somePorts),
		chosen("%s%s portrange %s", []string{"", "udp ", "tcp "}, directions, []string{"53-80", "0-1000", "5000-6000", "443-443"}),
		chosen("%sproto %s%s", []string{"", "ip ", "ip6 "}, []string{"17", "6", "1", "58", "44", "\\udp"}, []string{""}),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(somePorts), 2, 5), func(list []string) string { return "port " + joined(list) }),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(addresses4), 2, 5), func(list []string) string { return "host " + joined(list) }),
		rapid.Custom(comparison),
	}
	if ethernet {
		tests = append(tests, rapid.SampledFrom([]string{
			"vlan", "vlan 5", "vlan 7", "broadcast", "multicast", "ether src 00:11:22:33:44:55", "ether proto 0x88cc", "ether[12:2] = 0x0800",
		}))
	}
	return rapid.Custom(func(t *rapid.T) string { return expression(t, rapid.OneOf(tests...), 3) })
}

var (
	directions = []string{"", "src", "dst", "src or dst", "src and dst", "dst and src"}
	addresses4 = []string{"10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.3.8", "224.0.0.251", "255.255.255.255", "0.0.0.0"}
	somePorts  = []string{"53", "5353", "80", "443", "12345", "0", "65535"}
)

func joined(list []string) string {
	all := ""
	for i, one := range list {
		if i > 0 {
			all += " or "
		}
		all += one
	}
	return all
}

func chosen(format string, a, b, c []string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(format, rapid.SampledFrom(a).Draw(t, "a"), rapid.SampledFrom(b).Draw(t, "b"), rapid.SampledFrom(c).Draw(t, "c"))
	})
}

func expression(t *rapid.T, test *rapid.Generator[string], depth int) string {
	if depth == 0 {
		return test.Draw(t, "test")
	}
	sub := func() string { return expression(t, test, depth-1) }
	switch rapid.IntRange(0, 6).Draw(t, "shape") {
	case 0:
		return sub() + " and " + sub()
	case 1:
		return sub() + " or " + sub()
	case 2:
		return "not (" + sub() + ")"
	case 3:
		return "(" + sub() + ") or not " + test.Draw(t, "test")
	case 4:
		return sub() + " or " + test.Draw(t, "test") + " or " + test.Draw(t, "test")
	case 5:
		return "not " + test.Draw(t, "test") + " and not " + test.Draw(t, "test")
	}
	return test.Draw(t, "test")
}

func comparison(t *rapid.T) string {
	op := rapid.SampledFrom([]string{"=", "!=", "<", ">", "<=", ">=", "=="}).Draw(t, "op")
	// A bare number could be taken for an id that inherits.
	return "(" + arithmeticText(t, 2) + ") " + op + " " + arithmeticText(t, 2)
}

func arithmeticText(t *rapid.T, depth int) string {
	switch shape := rapid.IntRange(0, 4).Draw(t, "value"); {
	case shape == 0 && depth > 0:
		op := rapid.SampledFrom([]string{"+", "-", "*", "/", "%", "&", "|", "^"}).Draw(t, "operator")
		right := arithmeticText(t, depth-1)
		if op == "/" || op == "%" {
			right = rapid.SampledFrom([]string{"3", "len", "256", "ether[1]"}).Draw(t, "divisor")
		}
		return "(" + arithmeticText(t, depth-1) + " " + op + " " + right + ")"
	case shape == 1:
		return rapid.SampledFrom([]string{"0", "1", "5", "0x45", "53", "1000", "0x0a000001", "len", "icmp-echo", "tcp-syn"}).Draw(t, "number")
	case shape == 2 && depth > 0:
		return fmt.Sprintf("%s[%s]", rapid.SampledFrom([]string{"ip", "udp", "ether", "icmp"}).Draw(t, "of"),
			"("+arithmeticText(t, depth-1)+") & 0x1f")
	}
	of := rapid.SampledFrom([]string{"ip", "ip6", "udp", "tcp", "icmp", "icmp6", "ether", "arp"}).Draw(t, "of")
	size := rapid.SampledFrom([]string{"", ":1", ":2", ":4"}).Draw(t, "size")
	return fmt.Sprintf("%s[%d%s]", of, rapid.IntRange(0, 24).Draw(t, "at"), size)
}
