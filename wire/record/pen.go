package record

import (
	"errors"
	"os"
	"time"

	"dgram"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// pen writes entries as packets. It belongs to the goroutine that writes.
type pen struct {
	out        *pcapfile.Writer
	interfaces [2]int // their indices in the file; -1: not there yet
	packets    [2]uint64
	lost       [2]uint64 // before those
	frame      []byte
	packed     wire.Frame // around it
	text       []byte
	failed     error // the first failure; nothing is written after it
}

// put writes a backlog, and returns how many of its packets were taken.
func (p *pen) put(b *backlog) int {
	if p.failed != nil {
		return 0
	}
	for i := range b.entries {
		e := &b.entries[i]
		if err := p.packet(e, b.bytes[e.start:e.start+e.size]); err != nil {
			p.failed = err
			return i
		}
	}
	p.failed = p.out.Flush()
	return len(b.entries)
}

func (p *pen) packet(e *entry, payload []byte) error {
	from, to := e.peer, e.local
	if e.kind.outgoing() {
		from, to = to, from
	}
	which := overIP
	if e.peer.Network() == dgram.Unixgram {
		which = overUnix
		p.frame = wire.AppendUnixDatagram(p.frame[:0], from.Path(), to.Path(), payload)
	} else {
		ttl := e.ttl
		if ttl == 0 {
			ttl = 64
		}
		p.frame = wire.AppendUDP(p.frame[:0], from.AddrPort(), to.AddrPort(), ttl, e.tos, payload)
	}
	index, err := p.on(which)
	if err != nil {
		return err
	}
	if e.lost > 0 {
		p.out.Lost(e.lost)
		p.lost[which] += e.lost
	}
	p.text = e.appendComment(p.text[:0])
	p.packed = wire.Frame{Time: e.time, Data: p.frame, Length: len(p.frame), Link: interfaces[which].Link, Interface: index, Outgoing: e.kind.outgoing()}
	if err := p.out.AddCommented(&p.packed, p.text); err != nil {
		return err
	}
	p.packets[which]++
	return nil
}

// on returns the index of an interface, which it names first where that has not been done.
func (p *pen) on(which int) (int, error) {
	if p.interfaces[which] >= 0 {
		return p.interfaces[which], nil
	}
	i, err := p.out.AddInterface(interfaces[which])
	if err == nil {
		p.interfaces[which] = i
	}
	return i, err
}

// close writes how everything ended. It tries so even where writing failed before: there may be room again.
func (p *pen) close(l *later, file *os.File) {
	err := p.out.Flush()
	if p.interfaces[overIP] < 0 && p.interfaces[overUnix] < 0 {
		_, _ = p.on(overIP)
	}
	comment := l.comment(p.packets[overIP] + p.packets[overUnix])
	unplaced := l.leftOut - p.lost[overIP] - p.lost[overUnix]
	for which, i := range p.interfaces {
		if i < 0 || err != nil {
			continue
		}
		lost := p.lost[which] + unplaced
		err = p.out.Statistics(i, time.Now().UnixNano(), p.packets[which]+lost, lost, comment)
		comment, unplaced = "", 0
	}
	err = errors.Join(err, p.out.Flush())
	if file != nil {
		err = errors.Join(err, file.Close())
	}
	if p.failed == nil {
		p.failed = err
	}
}
