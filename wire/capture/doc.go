// Package capture reads packets from the network interfaces of this machine while they pass. Open gives a [Live], a wire.Source:
// of one interface, of several, or of all, each frame as it was on the wire.
//
//   - The filter runs in the kernel, from the first frame on, and what it rejects costs the reader nothing.
//   - On the loopback interface a datagram is shown once, though it passes twice (going out and coming in).
//   - A VLAN tag that the kernel or the card took out of a frame is put back where it was.
//   - Datagrams that the kernel sends or receives in one piece (UDP_SEGMENT, UDP_GRO; udp(7)) are shown one by one, with their own headers.
//   - Frames lie in memory that the kernel writes to and the reader reads from: none is copied (packet(7), TPACKET_V3).
//
// Live capture needs Linux and CAP_NET_RAW; the error of Open says how to get it. On other systems Open fails with an error
// that wraps errors.ErrUnsupported.
package capture
