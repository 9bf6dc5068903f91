package app

import (
	"bytes"
	"fmt"

	"dgram/wire"
)

// textLimit is how much of a textual message is searched for its headers.
const textLimit = 2048

func startsWith(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// readSIP takes as identity what RFC 3261, Section 17.1.3, has: the branch of the topmost Via, and the method in CSeq.
func readSIP(p *wire.Packet, m *Message) bool {
	b := p.Payload[:min(len(p.Payload), textLimit)]
	switch {
	case startsWith(b, "SIP/2.0 "):
		m.Kind = Reply
	case isSIPRequest(b):
		m.Kind = Request
		if startsWith(b, "ACK ") {
			m.Kind = Neither
		}
	default:
		return false
	}
	branch, method := sipHeader(b, "\r\nVia:", "\r\nv:"), sipHeader(b, "\r\nCSeq:", "\r\nCSeq:")
	if i := bytes.Index(branch, []byte("branch=")); i >= 0 && len(method) > 0 {
		branch = branch[i:]
		if end := bytes.IndexAny(branch, ";,"); end > 0 {
			branch = branch[:end]
		}
		m.identify(FoldedHash(branch), FoldedHash(method))
	}
	return true
}

func isSIPRequest(b []byte) bool {
	const longest = len("SUBSCRIBE")
	space := bytes.IndexByte(b[:min(len(b), longest+1)], ' ')
	if space < 0 {
		return false
	}
	switch string(b[:space]) {
	case "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE":
		uri := b[space+1:]
		return startsWith(uri, "sip:") || startsWith(uri, "sips:") || startsWith(uri, "tel:")
	}
	return false
}

// sipHeader returns the first header of that name, in its long or its short form.
func sipHeader(b []byte, long, short string) []byte {
	for _, name := range [...]string{long, short} {
		if i := bytes.Index(b, []byte(name)); i >= 0 {
			return bytes.TrimSpace(firstLine(b[i+len(name):]))
		}
	}
	return nil
}

// sipInfo is the first line; of a reply, also which method it is to.
func sipInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload[:min(len(p.Payload), textLimit)]
	first := firstLine(head(b))
	if !startsWith(b, "SIP/2.0 ") {
		return append(append(line, "Request: "...), bytes.TrimSuffix(first, []byte(" SIP/2.0"))...)
	}
	line = append(append(line, "Status: "...), first[len("SIP/2.0 "):]...)
	if _, method, ok := bytes.Cut(sipHeader(b, "\r\nCSeq:", "\r\nCSeq:"), []byte{' '}); ok && startsWith(first, "SIP/2.0 2") {
		line = append(append(append(line, " ("...), head(method)...), ')')
	}
	return line
}

func readSSDP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	switch {
	case startsWith(b, "M-SEARCH * HTTP/1."):
		m.Kind = Request
	case startsWith(b, "NOTIFY * HTTP/1."):
		m.Kind = Neither
	case startsWith(b, "HTTP/1.1 200 ") && (portProtocol(p.SrcPort) == SSDP || portProtocol(p.DstPort) == SSDP):
		m.Kind = Reply
	default:
		return false
	}
	return true
}

// readSyslog reads RFC 3164's form where it is sent to a port of its own, RFC 5424's on any.
func readSyslog(p *wire.Packet, m *Message) bool {
	_, n := syslogPriority(p.Payload)
	if n == 0 {
		return false
	}
	m.Kind = Neither
	rest := p.Payload[n:]
	return portProtocol(p.DstPort) == Syslog || len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' && (rest[2] == '-' || '0' <= rest[2] && rest[2] <= '9')
}

// syslogPriority reads "<N>", and says how long it is; 0: it is not there.
func syslogPriority(b []byte) (priority, n int) {
	if len(b) < 3 || b[0] != '<' {
		return 0, 0
	}
	for i := 1; i < min(len(b), 5); i++ {
		switch c := b[i]; {
		case c == '>' && i > 1 && priority <= 191:
			return priority, i + 1
		case c < '0' || c > '9':
			return 0, 0
		default:
			priority = priority*10 + int(c-'0')
		}
	}
	return 0, 0
}

var (
	syslogFacilities = [...]string{"KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
		"NTP", "AUDIT", "ALERT", "CLOCK", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7"}
	syslogSeverities = [8]string{"EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"}
)

func syslogInfo(line []byte, p *wire.Packet) []byte {
	priority, n := syslogPriority(p.Payload)
	line = append(append(append(line, syslogFacilities[priority>>3]...), '.'), syslogSeverities[priority&7]...)
	return append(append(line, ": "...), firstLine(head(p.Payload[n:]))...)
}

func syslogFields(f *fields, b []byte) {
	priority, n := syslogPriority(b)
	f.add(1, "Facility", fmt.Sprintf("%s (%d)", syslogFacilities[priority>>3], priority>>3), 0, n)
	f.add(1, "Severity", fmt.Sprintf("%s (%d)", syslogSeverities[priority&7], priority&7), 0, n)
	f.add(1, "Message", string(b[n:]), n, len(b)-n)
}

// readStatsD wants name:value|type in the first line.
func readStatsD(p *wire.Packet, m *Message) bool {
	line := firstLine(head(p.Payload))
	colon, bar := bytes.IndexByte(line, ':'), bytes.IndexByte(line, '|')
	m.Kind = Neither
	return colon > 0 && bar > colon && isText(line)
}

// head is as much of a payload as a line can hold.
func head(b []byte) []byte { return b[:min(len(b), maxInfo)] }

// textInfo is the first line of a protocol of text.
func textInfo(line []byte, p *wire.Packet) []byte { return append(line, firstLine(head(p.Payload))...) }

// textFields are the lines.
func textFields(f *fields, b []byte) {
	for at := 0; at < len(b) && !f.full(); {
		text := firstLine(b[at:])
		if name, value, ok := bytes.Cut(text, []byte(": ")); ok && len(name) > 0 && len(name) < 40 {
			f.add(1, string(name), string(value), at, len(text))
		} else if len(text) > 0 {
			f.add(1, "Line", string(text), at, len(text))
		}
		at += len(text) + 1
	}
}
