package explain

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"dgram/sock"
)

// packetAddress writes a struct sockaddr_ll (packet(7)).
func packetAddress(a sock.PacketAddr) string {
	index := "0"
	if a.Interface != "" {
		index = "if_nametoindex(" + quote([]byte(a.Interface), len(a.Interface)) + ")"
	}
	text := fmt.Sprintf("{sa_family=AF_PACKET, sll_protocol=htons(%s), sll_ifindex=%s, sll_hatype=%s, sll_pkttype=%s, sll_halen=%d",
		sock.Proto(a.Proto).Name(sock.PACKET), index, hardware(a.HaType), packetType(a.PktType), len(a.Addr))
	if len(a.Addr) > 0 {
		bytes := make([]string, len(a.Addr))
		for i, b := range a.Addr {
			bytes[i] = fmt.Sprintf("%#02x", b)
		}
		text += ", sll_addr=[" + strings.Join(bytes, ", ") + "]"
	}
	return text + "}"
}

// hardware is the name of a kind of device; 0, which is not filled in, has one too (linux/if_arp.h).
func hardware(n uint16) string {
	switch n {
	case 0:
		return "ARPHRD_NETROM"
	case 1:
		return "ARPHRD_ETHER"
	case 772:
		return "ARPHRD_LOOPBACK"
	case 65534:
		return "ARPHRD_NONE"
	}
	return fmt.Sprintf("%#x", n)
}

func packetType(t sock.PacketType) string {
	names := []string{"PACKET_HOST", "PACKET_BROADCAST", "PACKET_MULTICAST", "PACKET_OTHERHOST", "PACKET_OUTGOING"}
	if int(t) < len(names) {
		return names[t]
	}
	return strconv.Itoa(int(t))
}

// etherType is the protocol of a PACKET socket, which the call has in network byte order.
func etherType(p sock.Proto) string {
	var raw [2]byte
	binary.NativeEndian.PutUint16(raw[:], uint16(p))
	return "htons(" + sock.Proto(binary.BigEndian.Uint16(raw[:])).Name(sock.PACKET) + ")"
}

// ring reads the request for a receive ring (struct tpacket_req3, linux/if_packet.h).
func ring(c *sock.Call) (size, blocks, frameSize, frames, timeout int, ok bool) {
	if c.Option.Name != "PACKET_RX_RING" || len(c.Value) != 28 {
		return 0, 0, 0, 0, 0, false
	}
	at := func(place int) int { return int(native32(c.Value[4*place:])) }
	return at(0), at(1), at(2), at(3), at(4), true
}

// statistics reads what came through a ring (struct tpacket_stats_v3).
func statistics(c *sock.Call) (packets, drops int, ok bool) {
	if c.Option.Name != "PACKET_STATISTICS" || len(c.Value) < 12 {
		return 0, 0, false
	}
	return int(native32(c.Value)), int(native32(c.Value[4:])), true
}

// instructions is the length of a filter (struct sock_fprog, whose second half is an address in memory).
func instructions(c *sock.Call) (int, bool) {
	if c.Option.Name != "SO_ATTACH_FILTER" || len(c.Value) < 8 {
		return 0, false
	}
	return int(binary.NativeEndian.Uint16(c.Value)), true
}

// packetValue writes the structures of PACKET sockets.
func packetValue(c *sock.Call) (string, bool) {
	if size, blocks, frameSize, frames, timeout, ok := ring(c); ok {
		return fmt.Sprintf("{tp_block_size=%d, tp_block_nr=%d, tp_frame_size=%d, tp_frame_nr=%d, tp_retire_blk_tov=%d}", size, blocks, frameSize, frames, timeout), true
	}
	if packets, drops, ok := statistics(c); ok {
		return fmt.Sprintf("{tp_packets=%d, tp_drops=%d, tp_freeze_q_cnt=%d}", packets, drops, native32(c.Value[8:])), true
	}
	if n, ok := instructions(c); ok {
		return fmt.Sprintf("{len=%d, filter=[]}", n), true
	}
	if c.Option.Name == "PACKET_ADD_MEMBERSHIP" && len(c.Value) == 16 {
		kind := strconv.Itoa(int(binary.NativeEndian.Uint16(c.Value[4:])))
		if kind == "1" {
			kind = "PACKET_MR_PROMISC"
		}
		return fmt.Sprintf("{mr_ifindex=%s, mr_type=%s, mr_alen=%d}", ifindex(native32(c.Value)), kind, binary.NativeEndian.Uint16(c.Value[6:])), true
	}
	return "", false
}

// packetSetting is which text an option of PACKET sockets has, and what is filled in there.
func packetSetting(c *sock.Call) (name string, pairs []string) {
	name = c.Option.Name
	if n, ok := instructions(c); ok {
		if n == 1 { // the shortest filter there is, and the one that ends a capture
			name += " none"
		}
		return name, []string{"n", count(n)}
	}
	if size, blocks, _, _, _, ok := ring(c); ok {
		return name, []string{"n", count(size * blocks), "blocks", count(blocks), "size", count(size)}
	}
	if n, ok := intOf(c.Value); ok && name == "PACKET_VERSION" {
		return name, []string{"version", fmt.Sprintf("TPACKET_V%d", n+1)}
	}
	return name, nil
}
