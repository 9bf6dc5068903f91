package app

import (
	"context"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// otherNames are what tshark calls protocols that have a better known name.
var otherNames = map[string]Protocol{"ISAKMP": IKE, "UDPENCAP": ESP, "DTLSv1.2": DTLS}

// alike are the protocols whose lines have to be tshark's, as far as this package writes them.
var alike = map[Protocol]bool{DNS: true, MDNS: true, STUN: true, NTP: true, DHCP: true, DHCPv6: true, SNMP: true, SSDP: true, TFTP: true,
	WireGuard: true, RADIUS: true, IKE: true, Syslog: true, UDP: true}

// TestBesideTshark holds the columns Protocol and Info beside tshark's.
func TestBesideTshark(t *testing.T) {
	testnet.Need(t, "tshark")
	name := filepath.Join(t.TempDir(), "cases.pcapng")
	w, err := pcapfile.Create(name, pcapfile.WriterConfig{Interfaces: []wire.Interface{{Link: wire.LinkRaw}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range readCases {
		// Each from a client of its own: tshark remembers what a flow has spoken.
		src, dst := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
		data := wire.AppendUDP(nil, netip.AddrPortFrom(src, c.src), netip.AddrPortFrom(dst, c.dst), 64, 0, []byte(c.payload))
		if err := w.Add(&wire.Frame{Data: data, Length: len(data), Link: wire.LinkRaw, Time: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "tshark", "-n", "-r", name, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info").Output()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, line := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		protocol, info, _ := strings.Cut(line, "\t")
		c := readCases[i]
		// tshark believes the port, and what it does not know by the port it leaves alone.
		if strings.Contains(info, "Malformed") || protocol == "UDP" {
			continue
		}
		if name := c.protocol.String(); !strings.EqualFold(name, protocol) && otherNames[protocol] != c.protocol {
			t.Errorf("%q: %s, which tshark calls %s", c.info, name, protocol)
		}
		words := strings.Replace(strings.Join(strings.Fields(info), " "), "trap iso.", "trap 1.", 1)
		if alike[c.protocol] && !strings.HasPrefix(c.info, words) {
			t.Errorf("%q: tshark says %q", c.info, words)
		}
		compared++
	}
	if compared < 25 {
		t.Errorf("only %d were compared", compared)
	}
}
