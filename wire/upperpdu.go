package wire

import (
	"encoding/binary"
	"strings"
)

// The tags of Wireshark's exported PDU (epan/exported_pdu.h) that a unix datagram is kept with. Each is a type and a
// length of two bytes, and a value padded to four. AppendUnixDatagram writes them in this order:
//
//	12 (dissector name)   "data"
//	33 (protocol column)  "UNIX"
//	36 (info column)      SRC " > " DST
//	 0 (end of tags)      and the payload after it
//
// Names stand in the info column as dgram writes them: a path, or "@" and an abstract name; "*" is an unnamed socket.
// Bytes in a name that would confuse are \xNN: those below a space, *, >, \ and DEL.
const (
	tagEnd       = 0
	tagDissector = 12
	tagProtocol  = 33
	tagInfo      = 36

	unixProtocol = "UNIX"
	unixArrow    = " > "
)

// AppendUnixDatagram appends a frame of LinkUpperPDU that holds a datagram from one unix socket to another, and returns
// the longer slice. src and dst are paths, or abstract names with "@" before them, or empty for unnamed sockets; longer
// ones than 8,000 bytes are cut. Decode reads it back, and Wireshark shows it.
func AppendUnixDatagram(b []byte, src, dst string, payload []byte) []byte {
	b = appendTag(b, tagDissector, "data")
	b = appendTag(b, tagProtocol, unixProtocol)
	at := len(b)
	b = append(b, 0, tagInfo, 0, 0)
	b = appendUnixName(b, src)
	b = append(b, unixArrow...)
	b = appendUnixName(b, dst)
	b = padTag(b, at)
	b = appendTag(b, tagEnd, "")
	return append(b, payload...)
}

func appendTag(b []byte, tag byte, value string) []byte {
	at := len(b)
	b = append(b, 0, tag, 0, 0)
	b = append(b, value...)
	return padTag(b, at)
}

// padTag fills up the value of the tag at at with zeros, and sets its length.
func padTag(b []byte, at int) []byte {
	for (len(b)-at)%4 != 0 {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[at+2:], uint16(len(b)-at-4))
	return b
}

// maxUnixName is far above what sun_path holds, and keeps two names below what a tag can, were every byte escaped.
const maxUnixName = 8000

const hexDigits = "0123456789abcdef"

func appendUnixName(b []byte, name string) []byte {
	if name == "" {
		return append(b, '*')
	}
	for i := range min(len(name), maxUnixName) {
		switch c := name[i]; {
		case c < ' ' || c == '*' || c == '>' || c == '\\' || c == 0x7f:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// readUpperPDU reads tags up to the payload. Whatever is exported by others has no ends that are read here.
func (p *Packet) readUpperPDU(b []byte, missing int) {
	var protocol, info []byte
	for {
		if len(b) < 4 {
			p.UnixSrc, p.UnixDst = "", ""
			p.short(missing)
			return
		}
		tag, length := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
		if length > len(b) {
			p.UnixSrc, p.UnixDst = "", ""
			p.short(missing)
			return
		}
		value := b[:length]
		b = b[length:]
		if tag == tagEnd {
			break
		}
		switch tag {
		case tagProtocol:
			protocol = value
		case tagInfo:
			info = value
		}
	}
	if missing > 0 {
		p.note(CutShort)
	}
	p.Payload, p.PayloadLength = b, len(b)+missing
	p.Transport = b
	if string(trimZeros(protocol)) != unixProtocol {
		info = nil
	}
	p.setUnixNames(trimZeros(info))
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// setUnixNames keeps the strings that the packet holds where they are the same, and makes new ones where not.
func (p *Packet) setUnixNames(info []byte) {
	src, dst := cutArrow(info)
	if !sameUnixName(p.UnixSrc, src) {
		p.UnixSrc = unixName(src)
	}
	if !sameUnixName(p.UnixDst, dst) {
		p.UnixDst = unixName(dst)
	}
}

func cutArrow(info []byte) (src, dst []byte) {
	for i := range len(info) - len(unixArrow) + 1 {
		if string(info[i:i+len(unixArrow)]) == unixArrow {
			return info[:i], info[i+len(unixArrow):]
		}
	}
	return nil, nil
}

// sameUnixName holds for names that need no escape; of the others a new string is made each time.
func sameUnixName(name string, written []byte) bool {
	return name == string(written) && strings.IndexByte(name, '\\') < 0 && name != "*"
}

func unixName(written []byte) string {
	if string(written) == "*" {
		return ""
	}
	name := make([]byte, 0, len(written))
	for i := 0; i < len(written); i++ {
		c := written[i]
		if c == '\\' && i+3 < len(written) && written[i+1] == 'x' {
			high, low := strings.IndexByte(hexDigits, written[i+2]), strings.IndexByte(hexDigits, written[i+3])
			if high >= 0 && low >= 0 {
				c, i = byte(high<<4|low), i+3
			}
		}
		name = append(name, c)
	}
	return string(name)
}
