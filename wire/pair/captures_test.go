package pair

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dgram"
	"dgram/internal/testnet"
	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/pcapfile"
)

var update = flag.Bool("update", false, "write testdata/captures/pairs.txt anew")

// seen is what was made of one packet of a capture.
type seen struct {
	p     wire.Packet
	m     app.Message
	note  Note
	first bool // of an IP datagram in pieces
}

// readCapture reads a capture as watch does, and returns what became of its requests beside its packets.
func readCapture(t *testing.T, name string) ([]seen, map[uint64]dgram.Fate) {
	t.Helper()
	r, err := pcapfile.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fates := map[uint64]dgram.Fate{}
	tracker := New(Config{OnSettled: func(s Settled) { fates[s.No] = s.Fate }})
	var all []seen
	var pieces wire.Reassembler
	for {
		var f wire.Frame
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return all, fates
		} else if err != nil {
			t.Fatal(err)
		}
		s := seen{p: wire.Packet{No: uint64(len(all) + 1)}}
		wire.Decode(&f, &s.p)
		s.first = s.p.Fragment && s.p.FragmentOffset == 0
		pieces.Add(&s.p)
		app.Read(&s.p, &s.m)
		s.note = tracker.Add(&s.p, &s.m)
		s.p.Network, s.p.Transport, s.p.Payload = nil, nil, nil // they are the reader's
		all = append(all, s)
	}
}

func captures(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/captures/*.pcap*")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no captures", err)
	}
	return names
}

// TestCapturesOfRealPrograms holds what is said of each packet to a list that was gone through by hand, beside tshark.
func TestCapturesOfRealPrograms(t *testing.T) {
	var told bytes.Buffer
	for _, name := range captures(t) {
		fmt.Fprintf(&told, "%s\n", filepath.Base(name))
		all, fates := readCapture(t, name)
		for i := range all {
			s := &all[i]
			fmt.Fprintf(&told, "%4d %s %s", s.p.No, s.m.Protocol, words(s.note))
			if fate, ok := fates[s.p.No]; ok {
				fmt.Fprintf(&told, ", %v", fate)
			}
			told.WriteByte('\n')
		}
	}
	const list = "testdata/captures/pairs.txt"
	if *update {
		if err := os.WriteFile(list, told.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := strings.Split(string(want), "\n"), strings.Split(told.String(), "\n")
	for i := range max(len(theirs), len(ours)) {
		switch {
		case i >= len(theirs) || i >= len(ours):
			t.Fatalf("%d lines, and %d in %s", len(ours), len(theirs), list)
		case ours[i] != theirs[i]:
			t.Errorf("line %d: %q, not %q", i+1, ours[i], theirs[i])
		}
	}
}

// sharkNames are tshark's names of what is called otherwise here.
var sharkNames = map[string]app.Protocol{"DTLSv1.2": app.DTLS, "SIP/SDP": app.SIP, "ISAKMP": app.IKE, "IGMPv3": app.IGMP, "TLSv1.3": app.OpenVPN}

// unnamed is what tshark reads and this module leaves at UDP; what comes out of a VXLAN tunnel among it.
var unnamed = []string{"KRB5", "Portmap", "NFS", "Babel", "BT-DHT", "BROWSER", "PTPv2", "MEMCACHE", "ASF", "IPMB", "CLDAP",
	"ICMPv6", "ICMP"}

// known is what is recognised here on ports that tshark gives to nobody: it leaves these at UDP.
var known = []app.Protocol{app.RTP, app.RTCP, app.Syslog, app.StatsD, app.OpenVPN}

var sharkColumns = []string{"frame.number", "frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport",
	"udp.length", "_ws.col.Protocol"}

// sharkAnswers are the fields that say which packet one answers, of the protocols where tshark knows that.
var sharkAnswers = []string{"dns.response_to", "radius.reqframe", "stun.response-to", "snmp.response_to", "coap.response_to", "icmp.resp_to"}

// TestCapturesBesideTshark compares each packet of the captures with what tshark says of it.
func TestCapturesBesideTshark(t *testing.T) {
	testnet.Need(t, "tshark")
	var running sync.WaitGroup
	names := captures(t)
	answers := make([][]byte, len(names))
	for i, name := range names {
		running.Go(func() { answers[i] = runTshark(t, name) })
	}
	running.Wait()
	paired := 0
	for i, name := range names {
		all, _ := readCapture(t, name)
		lines := strings.Split(strings.TrimRight(string(answers[i]), "\n"), "\n")
		if len(lines) != len(all) {
			t.Errorf("%s: %d packets, %d for tshark", name, len(all), len(lines))
			continue
		}
		firsts := map[uint64]uint64{} // of each retry, the first attempt
		for k, line := range lines {
			row := strings.Split(line, "\t")
			if said := compareShark(&all[k], row); said != "" {
				t.Errorf("%s, No. %d: %s\n%+v\n%q", name, k+1, said, all[k], row)
			}
			paired += compareAnswer(t, name, &all[k], strings.Join(row[len(sharkColumns):], ""), firsts)
		}
	}
	if paired < 50 {
		t.Errorf("only %d pairs were compared", paired)
	}
}

func runTshark(t *testing.T, name string) []byte {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"-n", "-2", "-r", name, "-T", "fields", "-E", "occurrence=f"}
	for _, column := range slices.Concat(sharkColumns, sharkAnswers) {
		args = append(args, "-e", column)
	}
	out, err := exec.CommandContext(ctx, "tshark", args...).Output()
	if err != nil {
		t.Errorf("tshark: %v", err)
	}
	return out
}

// compareShark says what tshark sees otherwise, or nothing.
func compareShark(s *seen, row []string) string {
	p, protocol := &s.p, row[10]
	src, dst := row[3]+row[5], row[4]+row[6]
	if row[3] != "" {
		src, dst = row[3], row[4] // IPv4 outside, perhaps IPv6 in a tunnel
	}
	theirs := fmt.Sprintf("No. %s at %s, %s bytes from %s to %s", row[0], row[1], row[2], src, dst)
	ours := fmt.Sprintf("No. %d at %d.%09d, %d bytes from ", p.No, p.Time/1e9, p.Time%1e9, p.Length)
	if p.Version != 0 {
		ours += fmt.Sprintf("%v to %v", p.Src, p.Dst)
	} else {
		ours += " to "
	}
	if ours != theirs {
		return ours + ", not " + theirs
	}
	if udp := p.HasPorts && p.Protocol == wire.ProtocolUDP; udp && !s.p.Fragment && !strings.HasPrefix(protocol, "ICMP") {
		ours, theirs = fmt.Sprint(p.SrcPort, p.DstPort, p.PayloadLength+8), strings.Join(row[7:10], " ")
		if ours != theirs {
			return "ports and length are " + ours + ", not " + theirs
		}
	}
	return compareName(s, protocol)
}

func compareName(s *seen, protocol string) string {
	switch ours := s.m.Protocol; {
	case strings.EqualFold(ours.String(), protocol), sharkNames[protocol] == ours && ours != app.Unread:
	case ours == app.UDP && slices.Contains(unnamed, protocol), protocol == "UDP" && slices.Contains(known, ours):
	case s.p.Fragment && s.first: // the capture has cut the datagram's first piece, which tshark reads all the same
	default:
		return fmt.Sprintf("it is %v, not %s", ours, protocol)
	}
	return ""
}

// compareAnswer holds a pair to tshark's, and says how many it has held. tshark gives a reply to the first attempt, which here is the
// latest one's.
func compareAnswer(t *testing.T, name string, s *seen, theirs string, firsts map[uint64]uint64) int {
	t.Helper()
	if s.note.Role == Retry {
		firsts[s.p.No] = s.note.Re
	}
	// What a tunnel carries is no business of ours; multicast DNS asks many, and all its IDs are 0.
	if theirs == "" || s.p.Fragment || s.m.Protocol == app.MDNS || s.m.Protocol == app.UDP {
		return 0
	}
	want, err := strconv.ParseUint(theirs, 10, 64)
	switch s.note.Role {
	case Refusal: // tshark reads the packet that is quoted, here it is refused
		return 0
	case Reply, Further, Duplicate:
		if err == nil && (s.note.Re == want || firsts[s.note.Re] == want) {
			return 1
		}
	}
	t.Errorf("%s, No. %d: %v of %d, which answers %s", name, s.p.No, s.note.Role, s.note.Re, theirs)
	return 0
}
