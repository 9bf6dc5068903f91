// Package wire is what datagrams look like on their way: link layers, IP with its fragments and extension headers, UDP
// and ICMP, read out of captured frames and built for frames that nobody captured.
//
// A [Frame] is what a capture hands over: bytes, a time, the link type that says how they begin. [Decode] makes a
// [Packet] of it, without allocating and without trusting a single length; a [Reassembler] puts IP fragments together;
// [Fields] lists every header field for people. [AppendUDP] and [AppendUnixDatagram] go the other way. Frames come from a [Source]: a capture file
// (wire/pcapfile), a live interface (wire/capture). Which of them are wanted says wire/filter, in tcpdump's language;
// what a payload says of itself, wire/app; which packet answers which, wire/pair.
package wire
