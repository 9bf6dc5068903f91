package filter

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"

	"dgram/wire"
)

// TestKernelTakes attaches every program: the kernel looks through each before it takes it (bpf(2) calls it the classic checker).
func TestKernelTakes(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	socket := ipv4.NewPacketConn(conn)
	many := "host " + list(500, " or ", func(i int) string { return ip4(uint32(i)).String() })
	sum := "ip[len:2] / len = ip[0]" + strings.Repeat(" + (ip[1] << len)", 20)
	for _, expr := range append(append([]string{"", many, sum, "inbound", "not outbound and udp"}, understood...), onEthernet...) {
		for _, link := range []wire.LinkType{wire.LinkEthernet, wire.LinkRaw} {
			f := parsed(t, expr)
			for _, compile := range []func(wire.LinkType, int) ([]bpf.RawInstruction, error){f.Compile, f.CompileLive} {
				program, err := compile(link, 0)
				if err != nil {
					continue // what the link type has not
				}
				if err := socket.SetBPF(program); err != nil {
					t.Errorf("%.80q on %v: %v", expr, link, err)
				}
			}
		}
	}
}
