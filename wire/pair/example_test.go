package pair_test

import (
	"fmt"
	"net/netip"

	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/pair"
)

// A question, its answer, and one that nobody answers.
func Example() {
	client, server := netip.MustParseAddrPort("192.168.3.2:57445"), netip.MustParseAddrPort("192.168.3.8:12345")
	frames := []wire.Frame{
		{Time: 1_000_000_000, Data: wire.AppendUDP(nil, client, server, 64, 0, []byte("hello"))},
		{Time: 1_000_213_000, Data: wire.AppendUDP(nil, server, client, 64, 0, []byte("HELLO"))},
		{Time: 2_000_000_000, Data: wire.AppendUDP(nil, client, server, 64, 0, []byte("anybody?"))},
	}
	tracker := pair.New(pair.Config{OnSettled: func(s pair.Settled) { fmt.Printf("No. %d: %v\n", s.No, s.Fate) }})
	var packet wire.Packet
	var message app.Message
	for i := range frames {
		frames[i].Link, frames[i].Length = wire.LinkRaw, len(frames[i].Data)
		wire.Decode(&frames[i], &packet)
		packet.No = uint64(i + 1)
		app.Read(&packet, &message)
		note := tracker.Add(&packet, &message)
		fmt.Printf("%d %s: %v of %d, %v\n", packet.No, app.AppendInfo(nil, &packet, &message), note.Role, note.Re, note.RTT)
	}
	tracker.Tick(8_000_000_000)
	// Output:
	// 1 57445 → 12345 Len=5 "hello": request of 0, 0s
	// No. 1: answered
	// 2 12345 → 57445 Len=5 "HELLO": reply of 1, 213µs
	// 3 57445 → 12345 Len=8 "anybody?": request of 0, 0s
	// No. 3: silent
}
