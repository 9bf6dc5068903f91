package wire

import (
	"fmt"
	"strings"
	"testing"
)

// Every number has a name of its own; the ones that matter have Wireshark's.
func TestNames(t *testing.T) {
	seen := map[string]int{}
	for i := range 256 {
		name := ProtocolName(uint8(i))
		if other, ok := seen[name]; ok || name == "" {
			t.Errorf("%d and %d are both %q", i, other, name)
		}
		seen[name] = i
		for _, version := range []uint8{4, 6} {
			if ICMPTypeName(version, uint8(i)) == "" {
				t.Errorf("ICMP for IPv%d, type %d has no name", version, i)
			}
		}
	}
	for _, c := range []struct{ got, want string }{
		{ProtocolName(17), "UDP"}, {ProtocolName(136), "UDP-Lite"}, {ProtocolName(200), "IP protocol 200"},
		{EtherTypeName(0x0806), "ARP"}, {EtherTypeName(0x22), "LLC"}, {EtherTypeName(0x1234), "0x1234"}, {EtherTypeName(0x88cc), "LLDP"},
		{ICMPTypeName(4, 3), "Destination unreachable"}, {ICMPTypeName(6, 1), "Destination Unreachable"}, {ICMPTypeName(4, 99), "Type 99"},
		{ICMPCodeName(4, 3, 3), "Port unreachable"}, {ICMPCodeName(6, 1, 4), "Port unreachable"}, {ICMPCodeName(4, 3, 77), ""},
		{ICMPCodeName(4, 11, 0), "exceeded in transit"}, {ICMPCodeName(4, 8, 0), ""},
		{fmt.Sprint(ChecksumGood, ChecksumBad, ChecksumUnknown), "[correct] [incorrect] [unverified]"},
		{fmt.Sprint(NoProblem, CutShort, Problem(99)), " cut short by the capture problem 99"},
		{fmt.Sprint(LinkEthernet, LinkType(147)), "EN10MB LINKTYPE_147"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for problem := UnknownLink; problem <= TooManyHeaders; problem++ {
		if strings.HasPrefix(problem.String(), "problem") {
			t.Errorf("%d has no words", problem)
		}
	}
}

func TestFlowReverse(t *testing.T) {
	p := decodeRaw(built(4, 5))
	back := p.Flow().Reverse()
	if back.Src != p.Dst || back.SrcPort != p.DstPort || back.Dst != p.Src || back.DstPort != p.SrcPort || back.Reverse() != p.Flow() {
		t.Errorf("%+v", back)
	}
}
