package app

import (
	"fmt"
	"time"

	"dgram/wire"
)

// ntpLength is that of a packet without extensions (RFC 5905, Section 7.3).
const ntpLength = 48

// The places of the timestamps.
const (
	ntpReference = 16
	ntpOrigin    = 24
	ntpReceive   = 32
	ntpTransmit  = 40
)

var ntpModes = [8]string{"reserved", "symmetric active", "symmetric passive", "client", "server", "broadcast", "control", "private"}

// readNTP takes as identity the request's transmit timestamp, which the reply has as its origin timestamp.
func readNTP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	version, mode := b[0]>>3&7, b[0]&7
	if version < 1 || version > 4 || mode == 0 {
		return false
	}
	if mode >= 6 { // ntpq and ntpdc: a header of their own
		m.Kind = Request
		if len(b) < 12 {
			return false
		}
		if mode == 6 && b[1]&0x80 != 0 || mode == 7 && b[0]&0x80 != 0 {
			m.Kind = Reply
		}
		return true
	}
	if len(b) < ntpLength {
		return len(b) < p.PayloadLength && p.PayloadLength >= ntpLength
	}
	switch mode {
	case 1, 3:
		m.Kind = Request
		m.identify(be64(b[ntpTransmit:]), 0)
	case 2, 4:
		m.Kind = Reply
		m.identify(be64(b[ntpOrigin:]), 0)
	default:
		m.Kind = Neither
	}
	return true
}

func ntpInfo(line []byte, p *wire.Packet) []byte {
	first := p.Payload[0]
	return fmt.Appendf(line, "NTP Version %d, %s", first>>3&7, ntpModes[first&7])
}

func ntpFields(f *fields, b []byte) {
	f.add(1, "Leap indicator", fmt.Sprint(b[0]>>6), 0, 1)
	f.add(1, "Version", fmt.Sprint(b[0]>>3&7), 0, 1)
	f.add(1, "Mode", fmt.Sprintf("%s (%d)", ntpModes[b[0]&7], b[0]&7), 0, 1)
	if len(b) < ntpLength || b[0]&7 >= 6 {
		return
	}
	f.uint(1, "Stratum", 1, 1)
	f.add(1, "Poll interval", fmt.Sprintf("2^%d s", int8(b[2])), 2, 1)
	f.add(1, "Precision", fmt.Sprintf("2^%d s", int8(b[3])), 3, 1)
	f.add(1, "Root delay", fmt.Sprintf("%.6f s", float64(int32(be32(b[4:])))/65536), 4, 4)
	f.add(1, "Root dispersion", fmt.Sprintf("%.6f s", float64(be32(b[8:]))/65536), 8, 4)
	f.hex(1, "Reference ID", 12, 4)
	for _, t := range []struct {
		name string
		at   int
	}{
		{"Reference time", ntpReference}, {"Origin time", ntpOrigin}, {"Receive time", ntpReceive}, {"Transmit time", ntpTransmit},
	} {
		f.add(1, t.name, ntpTime(be64(b[t.at:])), t.at, 8)
	}
}

// ntpTime writes a timestamp: seconds since 1900, or since 2036 where they are few (RFC 5905, Section 6), and a fraction.
func ntpTime(v uint64) string {
	if v == 0 {
		return "none"
	}
	const from1900To1970 = 2_208_988_800
	seconds := int64(v>>32) - from1900To1970
	if v>>63 == 0 {
		seconds += 1 << 32
	}
	return time.Unix(seconds, int64(v&0xffffffff)*1e9>>32).UTC().Format("2006-01-02 15:04:05.000000000 UTC")
}
