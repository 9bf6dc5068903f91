package app

import (
	"bytes"
	"fmt"

	"dgram/wire"
)

// The operations of TFTP (RFC 1350, RFC 2347).
const (
	tftpRead = 1 + iota
	tftpWrite
	tftpData
	tftpAcknowledgement
	tftpError
	tftpOptions
)

var tftpOperations = [...]string{"", "Read Request", "Write Request", "Data Packet", "Acknowledgement", "Error Code", "Option Acknowledgement"}

var tftpErrors = [...]string{"Not defined", "File not found", "Access violation", "Disk full or allocation exceeded", "Illegal TFTP Operation",
	"Unknown transfer ID", "File already exists", "No such user", "Option negotiation failed"}

// readTFTP takes as identity the number of a block, which is acknowledged under that number. Only what asks for a transfer goes to
// a port of TFTP; what follows goes between ports of its own, or in some servers from the same one.
func readTFTP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < 4 || b[0] != 0 || b[1] == 0 || int(b[1]) >= len(tftpOperations) {
		return false
	}
	switch b[1] {
	case tftpRead, tftpWrite:
		m.Kind = Request
		_, mode, found := bytes.Cut(b[2:min(len(b), 514)], []byte{0})
		return found && bytes.IndexByte(mode, 0) > 0
	case tftpData:
		m.Kind = Request
		m.identify(uint64(be16(b[2:])), 0)
	case tftpAcknowledgement:
		m.Kind, m.Session = Reply, true
		m.identify(uint64(be16(b[2:])), 0)
		return p.PayloadLength == 4
	case tftpError:
		m.Kind = Neither
		return int(be16(b[2:])) < len(tftpErrors)
	case tftpOptions:
		m.Kind = Neither
		return b[2] != 0
	}
	return true
}

func tftpInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	line = append(line, tftpOperations[b[1]]...)
	switch b[1] {
	case tftpRead, tftpWrite:
		name, rest, _ := bytes.Cut(b[2:], []byte{0})
		mode, rest, _ := bytes.Cut(rest, []byte{0})
		line = append(append(line, ", File: "...), head(name)...)
		line = append(append(line, ", Transfer type: "...), head(mode)...)
		line = appendTFTPOptions(line, rest)
	case tftpOptions:
		line = appendTFTPOptions(line, b[2:])
	case tftpData, tftpAcknowledgement:
		line = appendUint(append(line, ", Block: "...), be16(b[2:]))
	case tftpError:
		line = append(append(line, ", Code: "...), tftpErrors[be16(b[2:])]...)
		text, _, _ := bytes.Cut(b[4:], []byte{0})
		line = append(append(line, ", Message: "...), head(text)...)
	}
	return line
}

func appendTFTPOptions(line, b []byte) []byte {
	for full := len(line) + maxInfo; len(b) > 0 && len(line) < full; {
		name, rest, _ := bytes.Cut(b, []byte{0})
		value, rest, _ := bytes.Cut(rest, []byte{0})
		line = append(append(append(append(line, ", "...), head(name)...), '='), head(value)...)
		b = rest
	}
	return line
}

func tftpFields(f *fields, b []byte) {
	f.add(1, "Operation", fmt.Sprintf("%s (%d)", tftpOperations[b[1]], b[1]), 0, 2)
	switch b[1] {
	case tftpRead, tftpWrite:
		tftpStrings(f, b, []string{"File", "Transfer type"})
	case tftpOptions:
		tftpStrings(f, b, nil)
	case tftpError:
		f.add(1, "Error", fmt.Sprintf("%s (%d)", tftpErrors[be16(b[2:])], be16(b[2:])), 2, 2)
		text, _, _ := bytes.Cut(b[4:], []byte{0})
		f.add(1, "Message", string(text), 4, len(text))
	default:
		f.uint(1, "Block", 2, 2)
		if len(b) > 4 {
			f.add(1, "Data", excerpt(b[4:]), 4, len(b)-4)
		}
	}
}

// tftpStrings are what has a name of its own, and then options and their values (RFC 2347).
func tftpStrings(f *fields, b []byte, names []string) {
	at, option := 2, ""
	for i, text := range bytes.Split(b[2:min(len(b), 514)], []byte{0}) {
		switch {
		case len(text) == 0:
		case i < len(names):
			f.add(1, names[i], string(text), at, len(text))
		case (i-len(names))%2 == 0:
			option = string(text)
		default:
			f.add(1, "Option "+option, string(text), at-len(option)-1, len(option)+1+len(text))
		}
		at += len(text) + 1
	}
}
