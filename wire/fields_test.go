package wire

import (
	"context"
	"encoding/xml"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
)

func listing(fields []Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s%s: %s [%d+%d]\n", strings.Repeat("  ", f.Depth), f.Name, f.Value, f.Off, f.Len)
	}
	return b.String()
}

func TestFields(t *testing.T) {
	g := newGenerator(1)
	data := g.link(LinkEthernet, []byte{7}, withOptions(built(4, 5), []byte{1, 148, 4, 0, 0, 0, 0, 0}))
	data[44+10]++ // a wrong payload
	const want = `Ethernet II: Src: 02:00:00:00:00:02, Dst: 02:00:00:00:00:01 [0+14]
  Destination: 02:00:00:00:00:01 [0+6]
  Source: 02:00:00:00:00:02 [6+6]
  Type: 802.1Q (0x8100) [12+2]
802.1Q Virtual LAN: PRI: 1, DEI: 0, ID: 7 [14+4]
  Priority: 1 [14+2]
  DEI: 0 [14+2]
  ID: 7 [14+2]
  Type: IPv4 (0x0800) [16+2]
Internet Protocol Version 4: Src: 192.168.3.2, Dst: 192.168.3.8 [18+28]
  Version: 4 [18+1]
  Header Length: 28 bytes (7) [18+1]
  Differentiated Services Field: 0x00 (DSCP: CS0, ECN: Not ECN-Capable Transport) [19+1]
  Total Length: 41 [20+2]
  Identification: 0x0000 (0) [22+2]
  Flags: 0x2, Don't fragment [24+1]
  Fragment Offset: 0 [24+2]
  Time to Live: 64 [26+1]
  Protocol: UDP (17) [27+1]
  Header Checksum: 0xabd5 [correct] [28+2]
  Source Address: 192.168.3.2 [30+4]
  Destination Address: 192.168.3.8 [34+4]
  IP Option: No-Operation (NOP) [38+1]
  IP Option: Router Alert [39+4]
  IP Option: End of Options List (EOL) [43+1]
  IP Option padding: 2 bytes [44+2]
User Datagram Protocol: Src Port: 57445, Dst Port: 12345 [46+8]
  Source Port: 57445 [46+2]
  Destination Port: 12345 [48+2]
  Length: 13 [50+2]
  Checksum: 0x5ad1 [incorrect] [52+2]
  Payload: 5 bytes [54+5]
Trailer: 1 byte [59+1]
`
	if got := listing(Fields(&Frame{Link: LinkEthernet, Data: data, Length: len(data)})); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFieldsSayWhatIsWrong(t *testing.T) {
	b := changed(built(4, 5), 24, 0, 99)
	got := Fields(&Frame{Link: LinkRaw, Data: b, Length: len(b)})
	if last := got[len(got)-1]; last.Name != "Problem" || last.Value != "malformed packet" {
		t.Errorf("%+v", last)
	}
	b = b[:22]
	got = Fields(&Frame{Link: LinkRaw, Data: b, Length: 33})
	if s := listing(got); !strings.Contains(s, "User Datagram Protocol: 2 of at least 8 bytes [20+2]\nProblem: cut short by the capture") {
		t.Error(s)
	}
}

// How tshark calls what Fields has, and of which header.
var pdmlNames = map[string]map[string]string{
	"Ethernet II":                          {"": "eth", "Destination": "eth.dst", "Source": "eth.src"},
	"802.1Q Virtual LAN":                   {},
	"Linux cooked capture v1":              {"": "sll", "Packet type": "sll.pkttype"},
	"Linux cooked capture v2":              {"": "sll", "Packet type": "sll.pkttype"},
	"Null/Loopback":                        {"": "null"},
	"Internet Protocol Version 4":          {"": "ip", "Time to Live": "ip.ttl", "Protocol": "ip.proto", "Header Checksum": "ip.checksum", "Total Length": "ip.len", "Identification": "ip.id", "Source Address": "ip.src", "Destination Address": "ip.dst", "Header Length": "ip.hdr_len"},
	"Internet Protocol Version 6":          {"Payload Length": "ipv6.plen", "Next Header": "ipv6.nxt", "Hop Limit": "ipv6.hlim", "Source Address": "ipv6.src", "Destination Address": "ipv6.dst"},
	"IPv6 Hop-by-Hop Option":               {},
	"Destination Options for IPv6":         {},
	"Routing Header for IPv6":              {"Type": "ipv6.routing.type", "Segments Left": "ipv6.routing.segleft"},
	"Fragment Header for IPv6":             {"Identification": "ipv6.fraghdr.ident", "Next Header": "ipv6.fraghdr.nxt"},
	"AH":                                   {"Next Header": "ah.next_header"},
	"User Datagram Protocol":               {"Source Port": "udp.srcport", "Destination Port": "udp.dstport", "Length": "udp.length", "Checksum": "udp.checksum", "Payload": "udp.payload"},
	"Lightweight User Datagram Protocol":   {"Source Port": "udp.srcport", "Destination Port": "udp.dstport", "Checksum coverage": "udp.checksum_coverage", "Checksum": "udp.checksum", "Payload": "udp.payload"},
	"Transmission Control Protocol":        {"": "tcp", "Source Port": "tcp.srcport", "Destination Port": "tcp.dstport", "Sequence Number": "tcp.seq", "Window": "tcp.window_size_value"},
	"Internet Control Message Protocol":    {"Type": "icmp.type", "Code": "icmp.code", "Checksum": "icmp.checksum"},
	"Internet Control Message Protocol v6": {"Type": "icmpv6.type", "Code": "icmpv6.code", "Checksum": "icmpv6.checksum"},
}

// Each field stands where tshark has it.
func TestFieldsStandWhereTsharkHasThem(t *testing.T) {
	testnet.Need(t, "tshark")
	g := newGenerator(17)
	var frames []Frame
	for len(frames) < 500 {
		for _, f := range g.frames() {
			var p Packet
			if Decode(&f, &p); !p.Fragment && len(f.Data) == f.Length && f.Link != LinkUpperPDU {
				frames = append(frames, f)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "tshark", "-n", "-r", writeCapture(t, frames), "-T", "pdml").Output()
	if err != nil {
		t.Fatal(err)
	}
	packets := readPDML(t, out)
	if len(packets) != len(frames) {
		t.Fatalf("%d packets of %d", len(packets), len(frames))
	}
	compared := 0
	for i := range frames {
		ours := map[string][]string{}
		header := ""
		for _, f := range Fields(&frames[i]) {
			name, ok := pdmlNames[header][f.Name]
			if _, top := pdmlNames[f.Name]; top {
				header = f.Name
				name, ok = pdmlNames[header][""]
			}
			if ok && f.Len > 0 {
				ours[name] = append(ours[name], fmt.Sprintf("%d+%d", f.Off, f.Len))
			}
		}
		for name, where := range ours {
			if compared++; !slices.Equal(where, packets[i][name]) {
				t.Errorf("frame %d, %v: %s: we have it at %v, tshark at %v\n%x", i+1, frames[i].Link, name, where, packets[i][name], frames[i].Data)
			}
		}
	}
	if compared < 5000 {
		t.Errorf("only %d compared", compared)
	}
}

// readPDML gives where each field is in each packet: its offset and length.
func readPDML(t *testing.T, out []byte) []map[string][]string {
	t.Helper()
	var packets []map[string][]string
	decoder := xml.NewDecoder(strings.NewReader(string(out)))
	for {
		token, err := decoder.Token()
		if token == nil {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case element.Name.Local == "packet":
			packets = append(packets, map[string][]string{})
		case element.Name.Local == "proto" || element.Name.Local == "field":
			values := map[string]string{}
			for _, attr := range element.Attr {
				values[attr.Name.Local] = attr.Value
			}
			if size, _ := strconv.Atoi(values["size"]); size > 0 && values["hide"] != "yes" && len(packets) > 0 {
				last := packets[len(packets)-1]
				last[values["name"]] = append(last[values["name"]], values["pos"]+"+"+values["size"])
			}
		}
	}
}
