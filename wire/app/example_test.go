package app_test

import (
	"fmt"
	"net/netip"

	"dgram/wire"
	"dgram/wire/app"
)

// What a DNS query says of itself.
func Example() {
	query := []byte("\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01")
	data := wire.AppendUDP(nil, netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.53:53"), 64, 0, query)
	frame := wire.Frame{Data: data, Length: len(data), Link: wire.LinkRaw}
	var packet wire.Packet
	var message app.Message
	wire.Decode(&frame, &packet)
	app.Read(&packet, &message)
	fmt.Println(message.Protocol, message.Kind)
	fmt.Printf("%s\n", app.AppendInfo(nil, &packet, &message))
	for _, f := range app.Fields(&packet, &message, len(data)-len(query))[:3] {
		fmt.Printf("%d %s: %s, bytes %d to %d\n", f.Depth, f.Name, f.Value, f.Off, f.Off+f.Len-1)
	}
	// Output:
	// DNS request
	// Standard query 0x1a2b A example.com
	// 0 DNS: request, bytes 28 to 56
	// 1 Transaction ID: 0x1a2b, bytes 28 to 29
	// 1 Flags: 0x0100, bytes 30 to 31
}
