package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"dgram/wire"
)

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		expr, at, says string // at: the word that the mistake is at
	}{
		{"udp prot 53", "prot", `"prot" is not known; did you mean`},
		{"udp and prt 53", "prt", `did you mean port?`},
		{"hsot 10.0.0.1", "hsot", `did you mean host?`},
		{"10.0.0.1", "10.0.0.1", "host 10.0.0.1, perhaps?"},
		{"udp or 53", "53", "port 53, perhaps?"},
		{"udp or 00:11:22:33:44:55", "00:11:22:33:44:55", "ether host"},
		{"udp or", "", "it ends where a test is missing"},
		{"port", "", "the number of a port"},
		{"udp port 53)", ")", `and, or, or the end`},
		{"(udp port 53", "", "a closing parenthesis"},
		{"port 70000", "70000", "up to 65535"},
		{"port 10-20", "10-20", "a range is portrange 10-20"},
		{"port nonesuch", "nonesuch", "no service is named"},
		{"host example.com", "example.com", "give its address"},
		{"src prot 5", "prot", "did you mean port"},
		{"net 10.0.0.1/8", "10.0.0.1", "the network is 10.0.0.0"},
		{"net fe80::1/10", "fe80::1", "the network is fe80::"},
		{"host 10.0.0.0/8", "/", "net 10.0.0.0/8"},
		{"ip proto udp", "udp", `write \udp`},
		{"len-4 = 3", "len-4", `"len-4" is not known`},
		{"len", "", "a comparison"},
		{"udp[8:2] 5", "5", "a comparison"},
		{"udp[8:3] = 5", "3", "1, 2 or 4"},
		{"ip[0] / 0 = 1", "/", "divided by 0"},
		{"1 / 0 = 1", "/", "divided by 0"},
		{"ip[0] << 32 = 1", "<<", "31 at most"},
		{"len > 08", "08", "octal"},
		{"len > 99999999999", "99999999999", "more than 32 bits"},
		{"vlan 5000", "5000", "up to 4095"},
		{"mpls and udp", "mpls", "not in this one"},
		{"ip6 protochain 17", "protochain", "not in this one; IPv6 extension headers"},
		{"udp host 10.0.0.1", "host", "udp and host ..., perhaps?"},
		{"ip port 53", "port", "udp, tcp and sctp have"},
		{"host 00:11:22:33:44:55", "00:11:22:33:44:55", "ether host 00:11:22:33:44:55"},
		{"udp §", "§", "means nothing"},
		{"udp \xff", "\xff", "means nothing"},
		{"ip[0] % 4 + 1 = 3", "+", "write parentheses"},
		{"- ip[0] % 4 = 3", "%", "write parentheses"},
		{strings.Repeat("(", 1000) + "udp", "(", "more than 200"},
		{strings.Repeat("not ", 1000) + "udp", "not", "more than 200"},
		{"len = " + strings.Repeat("(", 1000) + "1", "(", "more than 200"},
		{"len = " + strings.Repeat("- ", 1000) + "1", "-", "more than 200"},
		{"port " + strings.Repeat("(", 1000) + "1", "(", "more than 200"},
	} {
		_, err := Parse(c.expr)
		var mistake *SyntaxError
		if !errors.As(err, &mistake) || !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if mistake.Word != c.at || !strings.HasPrefix(c.expr[mistake.Offset:], c.at) || c.at == "" && mistake.Offset != len(c.expr) {
			t.Errorf("%q: at %d, %q: %v", c.expr, mistake.Offset, mistake.Word, err)
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %q is not in %q", c.expr, c.says, err)
		}
	}
	if _, err := Parse(strings.Repeat("udp or ", 1<<18)); !errors.Is(err, ErrSyntax) {
		t.Errorf("a filter of 2 MiB: %v", err)
	}
}

func TestString(t *testing.T) {
	for expr, want := range map[string]string{
		"":                                "",
		"  ":                              "",
		"port 53 or 5353":                 "port 53 or port 5353",
		"udp and (tcp or icmp)":           "udp and (tcp or icmp)",
		"(udp or tcp) and icmp":           "udp or tcp and icmp",
		"!(udp || tcp)":                   "not (udp or tcp)",
		"net 10":                          "net 10.0.0.0/8",
		"host 10.1":                       "net 10.1.0.0/16",
		"net 10.0.0.1 mask 255.0.0.255":   "net 10.0.0.1 mask 255.0.0.255",
		"dst or src 10.0.0.1":             "host 10.0.0.1",
		"ip6 proto \\ipv6-icmp":           "icmp6",
		"proto 47":                        "proto 47",
		"ether proto \\ip":                "ip",
		"portrange domain-80":             "portrange 53-80",
		"ether src 0-11-22-33-44-55":      "ether src host 00:11:22:33:44:55",
		"tcp[tcpflags] & tcp-syn == 2":    "(tcp[13] & 2) = 2",
		"len + 2 * 3 > udp[4:2]":          "(len + 6) > udp[4:2]",
		"less 5 and vlan or outbound":     "len <= 5 and vlan or outbound",
		"broadcast or ip multicast":       "ether broadcast or ip multicast",
		"port (53 and not 5 or 6)":        "port 53 and not port 5 or port 6",
		"host ::ffff:1.2.3.4 or net ::/0": "host ::ffff:1.2.3.4 or net ::/0",
	} {
		f := parsed(t, expr)
		if got := f.String(); got != want {
			t.Errorf("%q became %q, want %q", expr, got, want)
		}
		roundTrip(t, f)
	}
	if !parsed(t, " ").All() || parsed(t, "udp").All() {
		t.Error("All")
	}
}

// roundTrip holds that a filter's own words make the same filter.
func roundTrip(t testing.TB, f *Filter) {
	t.Helper()
	again, err := Parse(f.String())
	if err != nil {
		t.Fatalf("its own words %q: %v", f, err)
	}
	if f.String() != again.String() {
		t.Fatalf("%q became %q", f, again)
	}
	for _, link := range links {
		one, err1 := f.Compile(link, 0)
		two, err2 := again.Compile(link, 0)
		if fmt.Sprint(one, err1) != fmt.Sprint(two, err2) {
			t.Fatalf("%q makes two programs on %v:\n%v %v\n%v %v", f, link, one, err1, two, err2)
		}
	}
}

func TestSnaplen(t *testing.T) {
	for snaplen, want := range map[int]uint32{0: 262144, 96: 96} {
		program, err := parsed(t, "").Compile(wire.LinkEthernet, snaplen)
		if err != nil || len(program) != 1 || program[0] != (bpf.RawInstruction{Op: 0x06, K: want}) {
			t.Errorf("snaplen %d: %v, %v", snaplen, program, err)
		}
	}
	for _, link := range []wire.LinkType{wire.LinkUpperPDU, 9999} {
		if _, err := parsed(t, "").Compile(link, 0); !errors.Is(err, ErrLink) {
			t.Errorf("%v: %v", link, err)
		}
	}
}

// list joins what word makes of 0 to n-1.
func list(n int, or string, word func(i int) string) string {
	var all []string
	for i := range n {
		all = append(all, word(i))
	}
	return strings.Join(all, or)
}

// TestLong compiles lists whose jumps are longer than 255 instructions, and holds them against Match.
func TestLong(t *testing.T) {
	address := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i%3, i%7, i%251) }
	for name, expr := range map[string]string{
		"hosts":        "host " + list(700, " or ", address),
		"no hosts":     list(700, " and ", func(i int) string { return "not host " + address(i) }),
		"senders":      list(700, " or ", func(i int) string { return "src host " + address(i) }) + " or port 53",
		"ports":        "udp and port " + list(600, " or ", func(i int) string { return fmt.Sprint(10 * i) }) + " and less 100",
		"ranges":       "not portrange " + list(200, " or ", func(i int) string { return fmt.Sprintf("%d-%d", 10*i, 10*i+3) }),
		"IPv6 hosts":   "host " + list(200, " or ", func(i int) string { return fmt.Sprintf("fe80::%x", i) }),
		"mixed":        list(60, " or ", func(i int) string { return fmt.Sprintf("host %s and port %d", address(i), i) }),
		"not mergable": list(60, " or ", func(i int) string { return fmt.Sprintf("udp[%d] = %d and tcp", i, i) }),
	} {
		t.Run(name, func(t *testing.T) {
			f := parsed(t, expr)
			vm, live := compiled(t, f, wire.LinkEthernet, false), compiled(t, f, wire.LinkEthernet, true)
			m := newMaker(7)
			for range 500 {
				agree(t, f, vm, live, m.frame(wire.LinkEthernet, odd{fragments: 6, extended: 6, cut: 6}))
			}
			roundTrip(t, f)
		})
	}
	f := parsed(t, list(2000, " or ", func(i int) string { return fmt.Sprintf("udp[%d] = 1 and src host 10.0.0.1", i) }))
	if _, err := f.Compile(wire.LinkEthernet, 0); !errors.Is(err, ErrTooLong) {
		t.Errorf("a program of more than 4096 instructions: %v", err)
	}
	balanced := "len"
	for range 9 {
		balanced = "(" + balanced + " + " + balanced + ")"
	}
	left := "len = ip[0]" + strings.Repeat(" + len", 300)
	right := "len = " + strings.Repeat("(len + ", 100) + "1" + strings.Repeat(")", 100)
	for _, expr := range []string{"len = " + balanced, left, right} {
		if _, err := parsed(t, expr).Compile(wire.LinkEthernet, 0); err != nil {
			t.Errorf("%.80s: %v", expr, err)
		}
	}
}

func TestNames(t *testing.T) {
	c := Config{
		LookupHost: func(name string) ([]netip.Addr, error) {
			switch name {
			case "both.example":
				return []netip.Addr{netip.MustParseAddr("fe80::1"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.1")}, nil
			case "none.example":
				return nil, nil
			}
			return nil, errors.New("no such host")
		},
		LookupPort: func(network, service string) (int, error) {
			ports := map[string]int{"udp/both": 7, "tcp/both": 7, "udp/one": 8, "udp/two": 9, "tcp/two": 10, "udp/x-y": 11, "tcp/x-y": 11}
			if port, ok := ports[network+"/"+service]; ok {
				return port, nil
			}
			return 0, errors.New("no such service")
		},
	}
	for expr, want := range map[string]string{
		"host both.example":               "host 10.0.0.1 or host fe80::1",
		"not src both.example and udp":    "not (src host 10.0.0.1 or src host fe80::1) and udp",
		"ip host both.example":            "ip host 10.0.0.1",
		"ip6 dst host both.example":       "dst host fe80::1",
		"host \\both.example or 10.0.0.2": "host 10.0.0.1 or host fe80::1 or host 10.0.0.2",
		"port both":                       "port 7",
		"port one":                        "udp port 8",
		"udp src port one":                "udp src port 8",
		"portrange both-one":              "udp portrange 7-8",
		"port x-y":                        "port 11",
	} {
		if f, err := c.Parse(expr); err != nil || f.String() != want {
			t.Errorf("%q became %q, want %q: %v", expr, f, want, err)
		}
	}
	for expr, says := range map[string]string{
		"host none.example": "no address", "host other.example": "no such host", "net both.example": "names of networks",
		"ether host both.example": "names of networks", "tcp port one": "one is a port of udp", "port two": "port 9 of UDP and port 10 of TCP",
		"arp host fe80.example": "no such host", "tcp portrange both-one": "port of udp",
	} {
		if f, err := c.Parse(expr); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q became %v: %v", expr, f, err)
		}
	}
	addrs, err := LookupSystem("localhost")
	if err != nil || len(addrs) == 0 || !addrs[0].IsLoopback() {
		t.Errorf("localhost: %v, %v", addrs, err)
	}
}
