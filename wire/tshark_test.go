package wire

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
)

// writeCapture writes frames of several link types as pcapng, one interface each
// (draft-ietf-opsawg-pcapng).
func writeCapture(t *testing.T, frames []Frame) string {
	t.Helper()
	block := func(kind uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		b := binary.LittleEndian.AppendUint32(nil, kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
		b = append(b, body...)
		return binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
	}
	file := block(0x0a0d0d0a, []byte{0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})
	for _, link := range linkTypes {
		file = append(file, block(1, []byte{byte(link), byte(link >> 8), 0, 0, 0, 0, 0, 0})...)
	}
	for i, f := range frames {
		body := binary.LittleEndian.AppendUint32(nil, uint32(slices.Index(linkTypes, f.Link)))
		body = binary.LittleEndian.AppendUint32(body, 0)
		body = binary.LittleEndian.AppendUint32(body, uint32(i)) // microseconds
		body = binary.LittleEndian.AppendUint32(body, uint32(len(f.Data)))
		body = binary.LittleEndian.AppendUint32(body, uint32(f.Length))
		file = append(file, block(6, append(body, f.Data...))...)
	}
	name := filepath.Join(t.TempDir(), "frames.pcapng")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// tshark runs it over the frames and returns the values of each field in each frame.
func tshark(t *testing.T, frames []Frame, fields []string) []map[string][]string {
	t.Helper()
	testnet.Need(t, "tshark")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"-n", "-r", writeCapture(t, frames), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|",
		"-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "ipv6.tso_support:TRUE"}
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	out, err := exec.CommandContext(ctx, "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var rows []map[string][]string
	for line := range strings.Lines(string(out)) {
		row := map[string][]string{}
		for i, value := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			if value != "" {
				row[fields[i]] = strings.Split(value, "|")
			}
		}
		rows = append(rows, row)
	}
	if len(rows) != len(frames) {
		t.Fatalf("tshark shows %d frames of %d", len(rows), len(frames))
	}
	return rows
}

var sharkFields = []string{"ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.ttl", "ipv6.hlim", "ip.dsfield", "ipv6.tclass",
	"udp.srcport", "udp.dstport", "tcp.srcport", "udp.length", "udp.checksum.status", "udp.checksum_coverage", "icmp.type", "icmp.code", "icmpv6.type",
	"icmpv6.code", "icmp.checksum.status", "icmpv6.checksum.status", "vlan.id", "ieee8021ad.id", "ip.fragment.count", "ipv6.fragment.count",
	"ip.frag_offset"}

func TestDecodeAgreesWithTshark(t *testing.T) {
	g := newGenerator(7)
	var frames []Frame
	for len(frames) < 4000 {
		frames = append(frames, g.frames()...)
	}
	rows := tshark(t, frames, sharkFields)
	var r Reassembler
	var p Packet
	wrong, whole, cut := 0, 0, 0
	for i := range frames {
		Decode(&frames[i], &p)
		if r.Add(&p) {
			whole++
		}
		if p.Problem == CutShort {
			cut++
		}
		if complaint := compare(&p, rows[i]); complaint != "" {
			t.Errorf("frame %d, %v: %s\n%x\n%v\n%+v", i+1, frames[i].Link, complaint, frames[i].Data, rows[i], p)
			if wrong++; wrong > 3 {
				t.FailNow()
			}
		}
	}
	if whole < 50 || cut < 200 {
		t.Errorf("%d put together, %d cut: the generator makes too little of it", whole, cut)
	}
}

// compare says what tshark sees differently, if anything.
func compare(p *Packet, row map[string][]string) string {
	want := func(field string, have bool, value any) string {
		got := row[field]
		if len(got) > 0 && strings.HasPrefix(got[0], "0x") {
			n, _ := strconv.ParseUint(got[0], 0, 64)
			got = []string{fmt.Sprint(n)}
		}
		switch {
		case !have && len(got) > 0:
			return fmt.Sprintf("tshark has %s %s, we have none", field, got)
		case have && (len(got) == 0 || got[0] != fmt.Sprint(value)):
			return fmt.Sprintf("tshark has %s %s, we have %v", field, got, value)
		}
		return ""
	}
	if (p.Problem == CutShort || p.Problem == Malformed) && (p.Version == 0 || len(p.Transport) < 8) {
		return "" // where a header is cut, tshark shows single fields of it
	}
	v4, v6 := p.Version == 4, p.Version == 6
	flow, lite := p.Flow(), p.Protocol == ProtocolUDPLite
	ports := p.HasPorts && !p.Fragment // tshark waits for the whole
	if p.HasQuoted && !p.Fragment {
		flow, ports = p.Quoted, p.Quoted.SrcPort != 0
	}
	udp := ports && (flow.Protocol == ProtocolUDP || flow.Protocol == ProtocolUDPLite)
	icmp := !p.Fragment && len(p.Transport) >= 8
	icmp4, icmp6 := icmp && p.Protocol == ProtocolICMP, icmp && p.Protocol == ProtocolICMPv6
	state := map[ChecksumState]int{ChecksumBad: 0, ChecksumGood: 1, ChecksumUnknown: 2}[VerifyChecksum(p)]
	checks := []string{
		want("ip.src", v4, p.Src), want("ip.dst", v4, p.Dst), want("ip.ttl", v4, p.TTL),

		want("ip.dsfield", v4, p.TOS), want("ipv6.tclass", v6, p.TOS),
		want("ipv6.src", v6, p.Src), want("ipv6.dst", v6, p.Dst), want("ipv6.hlim", v6, p.TTL),
		want("udp.srcport", udp, flow.SrcPort), want("udp.dstport", udp, flow.DstPort),
		want("tcp.srcport", ports && flow.Protocol == ProtocolTCP, flow.SrcPort),
		want("icmp.type", icmp4, p.ICMPType), want("icmp.code", icmp4, p.ICMPCode),
		want("icmpv6.type", icmp6, p.ICMPType), want("icmpv6.code", icmp6, p.ICMPCode),
		want("ip.fragment.count", v4 && p.Fragments > 0, p.Fragments), want("ipv6.fragment.count", v6 && p.Fragments > 0, p.Fragments),
	}
	if udp && !p.HasQuoted && len(p.Transport) >= 8 {
		checks = append(checks, want("udp.length", true, p.PayloadLength+8))
		switch status := row["udp.checksum.status"]; {
		case lite: // tshark leaves it; the generator makes right ones
			if state != 1 && p.Problem == NoProblem {
				checks = append(checks, fmt.Sprintf("UDP-Lite checksum: %v", VerifyChecksum(p)))
			}
		case len(status) > 0 && status[0] == "4": // illegal: none where there must be one
			checks = append(checks, want("udp.checksum.status", state == 0, 4))
		case len(status) > 0 && status[0] == "3":
			checks = append(checks, want("udp.checksum.status", state == 2, 3))
		default:
			checks = append(checks, want("udp.checksum.status", true, state))
		}
	}
	if v4 && p.Fragments == 0 {
		checks = append(checks, want("ip.frag_offset", true, p.FragmentOffset/8))
	}
	if lite && udp && !p.HasQuoted {
		checks = append(checks, want("udp.checksum_coverage", true, binary.BigEndian.Uint16(p.Transport[4:])))
	}
	if icmp4 && p.Problem == NoProblem {
		checks = append(checks, want("icmp.checksum.status", true, state))
	}
	if icmp6 && p.Problem == NoProblem {
		checks = append(checks, want("icmpv6.checksum.status", true, state))
	}
	if p.VLANs > 0 {
		if ids := append(row["ieee8021ad.id"], row["vlan.id"]...); len(ids) != int(p.VLANs) || ids[len(ids)-1] != fmt.Sprint(p.VLAN) {
			checks = append(checks, fmt.Sprintf("tshark has VLANs %s, we have %d, %d innermost", ids, p.VLANs, p.VLAN))
		}
	}
	for _, complaint := range checks {
		if complaint != "" {
			return complaint
		}
	}
	return ""
}

// What AppendUnixDatagram writes is a datagram of its own to Wireshark, and nothing in it is wrong.
func TestTsharkShowsUnixDatagrams(t *testing.T) {
	testnet.Need(t, "tshark")
	b := AppendUnixDatagram(nil, "", "/run/a > b", []byte("hello"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	name := writeCapture(t, []Frame{{Link: LinkUpperPDU, Data: b, Length: len(b)}})
	list, err := exec.CommandContext(ctx, "tshark", "-r", name).CombinedOutput()
	if err != nil || !strings.Contains(string(list), "UNIX") {
		t.Errorf("%v\n%s", err, list)
	}
	tree, err := exec.CommandContext(ctx, "tshark", "-V", "-r", name).CombinedOutput()
	if err != nil || !strings.Contains(string(tree), "Data (5 bytes)") || strings.Contains(string(tree), "Expert Info") {
		t.Errorf("%v\n%s", err, tree)
	}
}
