package wire_test

import (
	"fmt"
	"net/netip"

	"dgram/wire"
)

// A packet is built and read back, as from a capture.
func Example() {
	client, server := netip.MustParseAddrPort("192.168.3.2:57445"), netip.MustParseAddrPort("192.168.3.8:12345")
	data := wire.AppendUDP(nil, client, server, 64, 0, []byte("hello"))
	frame := wire.Frame{Data: data, Length: len(data), Link: wire.LinkRaw}

	var packet wire.Packet
	wire.Decode(&frame, &packet)
	fmt.Printf("%s:%d → %s:%d %q checksum %v\n", packet.Src, packet.SrcPort, packet.Dst, packet.DstPort, packet.Payload,
		wire.VerifyChecksum(&packet))
	for _, field := range wire.Fields(&frame) {
		if field.Depth == 0 {
			fmt.Println(field.Name)
		}
	}
	// Output:
	// 192.168.3.2:57445 → 192.168.3.8:12345 "hello" checksum [correct]
	// Raw packet data
	// Internet Protocol Version 4
	// User Datagram Protocol
}
