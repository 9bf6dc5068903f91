package filter

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"dgram/internal/testnet"
	"dgram/wire"
)

// understood are filters that tcpdump and this package both take.
var understood = strings.Split(strings.TrimSpace(`
ip
ip6
arp
rarp
udp
tcp
sctp
icmp
icmp6
igmp
igrp
pim
vrrp
carp
ah
esp
host 10.0.0.1
src host 10.0.0.1
dst host 10.0.0.1
src or dst host 10.0.0.1
src and dst host 10.0.0.1
dst and src 10.0.0.1
src 10.0.0.1
dst 53
host 10.1
host 10
host 0x0a000001
ip host 10.0.0.1
ip src 10.0.0.1
arp host 10.0.0.1
arp src net 10
rarp dst host 10.0.0.2
host ::1
host fe80::1
ip6 host 2001:db8::1
src host fe80::1 and dst host ff02::fb
src and dst host fe80::1
host ::ffff:10.0.0.1
net 10
net 10.1
net 10.0.0
net 10.0.0.0/8
net 0.0.0.0/0
net 10.1/16
net 10.0.0.0/31
net 10.1.0.0 mask 255.255.0.0
net 10.0.0.1 mask 255.0.0.255
src net 10 or dst net 192.168.3
net fe80::/10
net ::/0
net ff00::/8
src net 2001:db8::/33
ip6 net 2001:db8::/127
port 53
src port 53
dst port 53
src and dst port 53
udp port 53
tcp dst port 80
sctp port 53
port domain
udp port domain
port tftp
udp src or dst port 0x35
port 065
portrange 53-80
src portrange 53-5353
dst and src portrange 1-1000
udp portrange 80-53
portrange 53
portrange domain-80
port 53 or 5353
port 53 or 5353 or 80 or 443 or not 12345
port (53 or 5353)
port not 53
port (53 or not 80 and 443)
port 53 and (53 or 5353)
udp port 53 or 5353 or tcp port 80 or 443
host 10.0.0.1 or 10.0.0.2 or 10.1.2.3
host (10.0.0.1 or 10.0.0.2) and not port 53
host 10.0.0.1 or fe80::1 or fe80::2 or 10.0.0.2
not host 10.0.0.1 and not host 10.0.0.2 and not host 10.1.2.3
not port 53 and not port 80
not src port 53 and not src port 80 and not dst port 9
not host fe80::1 and not host fe80::2 or udp
net 10.0.0.0/8 or 192.168.3.0/24 or 224
not net 10.0.0.0/8 and not net 192.0.0.0/8
ip proto 17
ip proto \udp
ip proto gre
ip proto (17 or 6)
ip6 proto 17
ip6 proto 44
ip6 proto 0
ip6 proto \ipv6-icmp
proto 17
proto \tcp or \udp
proto \sctp
ether proto 0x0800
ether proto \ip
ether proto \ip6 or \arp
ether proto 0x88cc
ether proto \loopback
link proto 0x86dd
not ip
not udp
! udp and ! tcp
not not udp
udp and not port 53
udp && port 53 || tcp
udp or tcp and port 80
udp or (tcp and port 80)
(udp)
((udp or tcp) and (port 53 or port 80)) or icmp
ip broadcast
ip multicast
ip6 multicast
less 60
greater 60
less 0x40 or greater 010
len = 60
len > 60 and len <= 90
length != 60
1 = 1
5 < 4
tcp-syn = 2
3 * 4 + 2 = 14
ip[0] & 0xf != 5
ip[0] = 0x45
ip[8] < 64
ip[9] = 17
ip[2:2] > 60
ip[6:2] & 0x1fff = 0
ip[6:2] & 0x3fff != 0
ip[12:4] = 0x0a000001
ip6[6] = 17
ip6[4:2] > 30
ip6[40] = 128
udp[0:2] = 53
udp[2:2] >= 5353
udp[4:2] > 20
udp[8:4] > 0x7fffffff
udp[8] & 1 = udp[9] & 1
udp[8 + 1] = udp[9]
udp[udp[4:2] & 7] > 100
not udp[8:2] > 1000
tcp[13] & 2 != 0
tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn
tcp[tcpflags] == tcp-fin or tcp[tcpflags] == tcp-syn
(tcp[12] & 0xf0) >> 2 = 20
tcp[(tcp[12] & 0xf0) >> 2] = 0
icmp[icmptype] = icmp-echo
icmp[0] = icmp-echoreply or icmp[0] = 8
icmp[icmpcode] != 0
icmp6[icmp6type] = icmp6-echo
icmp6[0] = icmp6-neighborsolicit and icmp6[icmp6code] > 0
sctp[0:2] = 53
igmp[0] > 100
arp[6:2] = 1
arp[14:4] = 0x0a000001
rarp[6:2] = 2
ether[0] & 1 = 0
ether[12:2] = 0x0800
ether[len - 1] = 0
link[20] > 100
ip[ip[0] & 0xf] = ether[3]
ip[0] + ip[1] - ip[2] * ip[3] = 0x45
(ip[0] | ip[1]) & (ip[2] | ip[3]) > ip[4] << 2
len / 2 > 40
(len % 2) = 0
(ip[3] ^ ip[5]) > 128
ip[2:2] / ip[8] > 1
ip[2:2] - 20 > 40
( - ip[0]) > 5
udp[8] << ip[0] > 0
len - ip[2:2] = 14
ip[9] = 17 and udp[0:2] > ip[0]
not ip[9] = 17
udp[50] = 3 or udp
not udp[50] = 3
host 10.0.0.1 or udp[100] = 1
ip[len:4] = 1 or ip6
ip[(1 - ip[0])] = 0 or arp
`), "\n")

// onEthernet are those that need addresses or tags of Ethernet.
var onEthernet = strings.Split(strings.TrimSpace(`
ether host 00:11:22:33:44:55
ether src 00:11:22:33:44:56
ether dst host 0-11-22-33-44-55
ether src and dst host 0011.2233.4455
ether host 001122334455 or 00:11:22:33:44:56
ether broadcast
broadcast
ether multicast
multicast and not broadcast
vlan
vlan 5
vlan (7)
vlan 5 and udp
vlan and udp port 53
vlan and ip6
not vlan
not vlan and udp
udp or vlan and udp
vlan 5 or udp
vlan and vlan 7 and ip
vlan 5 and vlan
vlan and (vlan or udp)
(vlan and host 10.0.0.1) or port 53
udp and vlan and udp
vlan and ip[9] = 17
vlan and udp[8:2] > 1000
vlan and ether[12:2] = 0x8100
vlan and net fe80::/10
vlan and ether proto 0x88cc
not (vlan and udp) and udp
vlan and not host 10.0.0.1 and not host 10.0.0.2
ether proto 0x8100
`), "\n")

// rare are those that match no packet, or hardly one.
var rare = []string{"5 < 4", "tcp[(tcp[12] & 0xf0) >> 2] = 0", "(ip[3] ^ ip[5]) > 128", "udp[8] << ip[0] > 0", "not vlan and udp", "udp and vlan and udp"}

// refused are filters that tcpdump takes and this package does not, with a piece of what it says.
var refused = map[string]string{
	"ip6 protochain 17":       "protochain",
	"gateway localhost":       "gateway",
	"byte 5 = 3":              "byte",
	"ifindex 3":               "ifindex",
	"mpls":                    "mpls",
	"pppoes":                  "pppoes",
	"ether proto 1000":        "802.2",
	"ether proto 0x809b":      "802.2",
	"ether proto 0x80f3":      "802.2",
	"ether proto 70000":       "0xffff",
	"ip proto 300":            "255",
	"ether proto \\aarp":      "aarp",
	"host localhost":          "give its address",
	"ip[0] % 4 + 1 = 3":       "parentheses",
	"1 + ip[0] ^ 3 = 3":       "parentheses",
	"udp[65536] = 1":          "65536",
	"udp[-1] = 0 or udp":      "no packet",
	"atalk":                   "atalk",
	"iso":                     "iso",
	"ether[0xfffff000:2] = 3": "no packet",
}

// wrong are filters that neither takes.
var wrong = []string{
	"10.0.0.1", "(port 53) or 54", "net 10/8", "net 10.0.0.1/8", "host 10.0.0.0/8", "arp multicast", "ip6 broadcast", "ip proto udp",
	"ip[0] = 5-3", "len-4=3", "port 70000", "port 10-20", "tcp port tftp", "ip port 53", "udp host 1.2.3.4", "ether host 1.2.3.4",
	"host 00:11:22:33:44:55", "net fe80::1/10", "host fe80::/10", "ip host fe80::1", "port fe80::1", "ip6 net 10", "host 1.2.3.256",
	"host 1.2.3.0x4", "ip[0:3]=1", "ip[0]/0=1", "ip[0]<<32=1", "not", "port 53 54", "udp and 53", "host 1.2.3.4 and port 5 or 1.2.3.5",
	"icmp[icmptype] = 8 or 0", "tcp[tcpflags] & tcp-syn", "vlan 5000", "ether dst port 5", "udp proto 5", "src proto 5", "icmp port 5",
	"less (5)", "len = 5 or 6", "len", "ip[0]", "port 53 and len > 5 and 54", "port 53 and (udp and 54)", "(host 1.2.3.4) and 1.2.3.5",
	"ether", "ah[0]=1", "ether proto ip", "ip proto \\foo", "arp proto 5", "ip host 1.2.3.4 or ::1", "len=>5", "len<>5", "udp & tcp",
	"udp or", "((udp)", "ip 6", "udp port", "port", "net 10.1.2.3 mask 255.0.0.0", "net 10 mask 255.0.0.0", "net 1.2.3.0/33", "net ::/129",
	"net fe80:: mask ffff::", "port 4294967296", "len > 4294967296", "len > 08", "len > 0x", "mask", "udp port 53)", "?", "udp;", "'udp'",
	"host", "udp[8:2", "udp[8:2] =", "= 5", "portrange", "portrange 5-", "vlan and 5", "ip ip6", "src udp",
}

// tcpdump compiles a filter: as it stands (plain), or as tcpdump would shorten it.
func tcpdump(link wire.LinkType, expr string, plain bool) ([]bpf.Instruction, error) {
	args := []string{"-ddd", "-y", link.String(), "--", expr}
	if plain {
		args = append([]string{"-O"}, args...)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command("tcpdump", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, errors.New(strings.TrimSpace(errs.String()))
	}
	var raw []bpf.RawInstruction
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			continue // the first says how many follow
		}
		var n [4]uint64
		for i, field := range fields {
			var err error
			if n[i], err = strconv.ParseUint(field, 10, 32); err != nil {
				return nil, err
			}
		}
		raw = append(raw, bpf.RawInstruction{Op: uint16(n[0]), Jt: uint8(n[1]), Jf: uint8(n[2]), K: uint32(n[3])})
	}
	program, all := bpf.Disassemble(raw)
	if !all {
		return nil, fmt.Errorf("instructions that nobody knows: %v", program)
	}
	for i, in := range program {
		if _, negates := in.(bpf.NegateA); negates { // which bpf.VM has not
			program[i] = bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 1<<32 - 1}
		}
	}
	return program, nil
}

func machine(t rapid.TB, program []bpf.Instruction) *bpf.VM {
	t.Helper()
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatalf("%v: %v", program, err)
	}
	return vm
}

func run(t rapid.TB, vm *bpf.VM, data []byte) bool {
	t.Helper()
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return n != 0
}

func compiled(t rapid.TB, f *Filter, link wire.LinkType, live bool) *bpf.VM {
	t.Helper()
	raw, err := f.compile(link, 0, live)
	if err != nil {
		t.Fatalf("%v on %v: %v", f, link, err)
	}
	program, _ := bpf.Disassemble(raw)
	return machine(t, program)
}

// against holds a filter against tcpdump over packets: to the letter against its plain program, also where packets are cut; and against
// its shortened one, if asked, where they are long and no bytes are asked for by offset: that one leaves out loads which would have failed. It returns how many
// matched.
func against(t rapid.TB, link wire.LinkType, expr string, packets int, seed uint64, shortened bool) (matched int) {
	t.Helper()
	f, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	program, err := tcpdump(link, expr, true)
	if err != nil {
		t.Fatalf("tcpdump refuses %q on %v: %v", expr, link, err)
	}
	theirs, ours := machine(t, program), compiled(t, f, link, false)
	var short *bpf.VM
	if !shortened {
	} else if program, err := tcpdump(link, expr, false); err == nil {
		short = machine(t, program)
	} else if !strings.Contains(err.Error(), "rejects all packets") && !strings.Contains(err.Error(), "by zero") {
		t.Fatalf("tcpdump refuses %q on %v: %v", expr, link, err)
	}
	m := newMaker(seed)
	for i := range packets {
		frame := m.frame(link, odd{fragments: 6, extended: 4, cut: 4 * (i % 2)})
		want, got := run(t, theirs, frame.Data), run(t, ours, frame.Data)
		if want != got {
			t.Fatalf("%q on %v: tcpdump says %v, we say %v\n%x", expr, link, want, got, frame.Data)
		}
		if got {
			matched++
		}
		if short == nil || len(frame.Data) < 100 || strings.Contains(expr, "[") {
			continue
		}
		if want := run(t, short, frame.Data); want != got {
			t.Fatalf("%q on %v: tcpdump's short program says %v, we say %v\n%x", expr, link, want, got, frame.Data)
		}
	}
	return matched
}

func TestAgainstTcpdump(t *testing.T) {
	testnet.Need(t, "tcpdump")
	for _, link := range links {
		t.Run(link.String(), func(t *testing.T) {
			t.Parallel()
			exprs, packets := understood, 800
			if link == wire.LinkEthernet {
				exprs, packets = append(append([]string(nil), understood...), onEthernet...), 3000
			}
			if link == wire.LinkSLL || link == wire.LinkSLL2 {
				exprs = append(append([]string(nil), understood...), "inbound", "outbound and udp", "not inbound or ip6")
			}
			for i, expr := range exprs {
				if link != wire.LinkEthernet && testing.Short() && i%4 != int(link)%4 {
					continue
				}
				if n := against(t, link, expr, packets, uint64(i), true); n == 0 && link == wire.LinkEthernet && !slices.Contains(rare, expr) {
					t.Errorf("%q matched nothing", expr)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	testnet.Need(t, "tcpdump")
	for expr, says := range refused {
		if _, err := tcpdump(wire.LinkEthernet, expr, true); err != nil && !strings.HasPrefix(expr, "gateway") {
			t.Errorf("tcpdump refuses %q, too: %v", expr, err)
		}
		if _, err := Parse(expr); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", expr, err, says)
		}
	}
	for _, expr := range wrong {
		if _, err := tcpdump(wire.LinkEthernet, expr, true); err == nil {
			t.Errorf("tcpdump takes %q", expr)
		}
		if f, err := Parse(expr); err == nil {
			t.Errorf("%q became %v", expr, f)
		}
	}
}

// TestLinksThatLack holds that both refuse what a link type does not have.
func TestLinksThatLack(t *testing.T) {
	testnet.Need(t, "tcpdump")
	for _, link := range links[1:] {
		for _, expr := range []string{"vlan", "broadcast", "ether multicast", "ether host 00:11:22:33:44:55"} {
			f, err := Parse(expr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Compile(link, 0); !errors.Is(err, ErrLink) {
				t.Errorf("%q on %v: %v", expr, link, err)
			}
			if _, err := tcpdump(link, expr, true); err == nil {
				t.Errorf("tcpdump takes %q on %v", expr, link)
			}
		}
	}
}

// What tcpdump makes shorter is not always what it was: "not (ip or port 12345 or host 10.0.0.1 and host fe80::1 and port 53 or 12345 or 53)" takes IPv6 from
// port 53 then. So chance is held to the plain program alone.
func TestRandomAgainstTcpdump(t *testing.T) {
	testnet.Need(t, "tcpdump")
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.SampledFrom(links).Draw(t, "link")
		expr := expressions(link == wire.LinkEthernet).Draw(t, "filter")
		against(t, link, expr, 400, rapid.Uint64().Draw(t, "packets"), false)
	})
}
