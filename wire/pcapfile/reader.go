package pcapfile

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"

	"dgram/wire"
)

// What a Reader takes at most, in bytes; Wireshark's own limits. A file that goes over them is damaged or made to harm.
const (
	maxPacket = 262144   // of one packet as it was captured
	maxBlock  = 16 << 20 // of one block of pcapng
	maxText   = 64 << 10 // of the comments of one packet, or of the file, together
)

var (
	// ErrNotCapture says that a file is no capture, or one of a format that is not read.
	ErrNotCapture = errors.New("not a capture file that can be read")
	// ErrDamaged says that a capture file contradicts itself: what comes after that place cannot be found.
	ErrDamaged = errors.New("the file is damaged there")
)

// A Reader is a [wire.Source] over a capture file. It belongs to one goroutine.
type Reader struct {
	in     *input
	closer io.Closer
	name   string
	next   func(*Reader, *wire.Frame) error
	big    bool // the file, or this section of it, is in big-endian byte order
	failed error
	count  uint64 // packets handed out

	interfaces []wire.Interface
	lastSeen   []uint64 // beside interfaces: the last section that named it
	text       []byte   // room for the comments of a packet
	comments   []byte   // of the file itself
	drops      uint64   // of the sections before this one

	classic classic // of a pcap file
	section section // of a pcapng file
}

var _ wire.Source = (*Reader)(nil)

// Open opens a capture file, which may be packed by gzip; "-" is the standard input. Errors name the file, and wrap those of
// os.Open, [ErrNotCapture], [ErrDamaged] or [io.ErrUnexpectedEOF].
func Open(path string) (*Reader, error) {
	if path == "-" {
		return open(os.Stdin, "standard input", io.NopCloser(nil))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := open(f, path, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// NewReader returns a Reader over what r brings. It reads ahead. Close does not close r.
func NewReader(r io.Reader) (*Reader, error) { return open(r, "capture", io.NopCloser(nil)) }

func open(from io.Reader, name string, c io.Closer) (*Reader, error) {
	r := &Reader{in: newInput(from), name: name, closer: c}
	head, err := r.in.peek(4)
	if err == nil && head[0] == 0x1f && head[1] == 0x8b {
		if head, err = r.unpack(); err != nil && len(head) == 0 {
			return nil, fmt.Errorf("%s: packed by gzip, and cannot be unpacked: %w", name, err)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: %w: it is empty", name, ErrNotCapture)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(head) < 4:
		return nil, fmt.Errorf("%s: %w: it has only %d bytes", name, ErrNotCapture, len(head))
	}
	return r, r.recognise(head)
}

// unpack puts gzip between the file and the rest, and returns the first bytes of what was packed.
func (r *Reader) unpack() ([]byte, error) {
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(r.in, 64<<10))
	if err != nil {
		return nil, err
	}
	r.in = newInput(unpacked)
	return r.in.peek(4)
}

// recognise tells the format by the file's first four bytes.
func (r *Reader) recognise(head []byte) error {
	magic := binary.LittleEndian.Uint32(head)
	if magic == blockSection {
		r.next = (*Reader).nextBlock
		return nil
	}
	for _, big := range []bool{false, true} {
		r.big = big
		if scale, ok := classicMagics[r.u32(head)]; ok {
			r.classic.scale, r.next = scale, (*Reader).nextRecord
			return r.openClassic()
		}
		if what, ok := otherMagics[r.u32(head)]; ok {
			return fmt.Errorf("%s: %w: it is %s; pcap and pcapng are read: convert it (editcap %s x.pcapng)", r.name, ErrNotCapture, what, r.name)
		}
	}
	return fmt.Errorf("%s: %w: it begins with % x; pcap and pcapng are read, also packed by gzip", r.name, ErrNotCapture, head)
}

// otherMagics are formats that a person may take for the ones that are read: the first four bytes as a number, in either byte order.
var otherMagics = map[uint32]string{
	0xa1b2cd34: "pcap as Alexey Kuznetzov modified it, which has further fields in every packet",
	0xa1e2cb12: "pcap as Navtel modified it",
	0xa1b234cd: "pcap as an old Nokia system modified it",
	0xfd2fb528: "packed by zstd: unpack it (zstd -d)",
	0x184d2204: "packed by lz4: unpack it (lz4 -d)",
	0x736e6f6f: "Solaris snoop",
	0x55424d47: "Microsoft Network Monitor",
}

// Next implements [wire.Source]. It returns io.EOF at the end of the file; an error that wraps [io.ErrUnexpectedEOF] where the
// file was cut off, as by the death of what wrote it; one that wraps [ErrDamaged] where it contradicts itself. All packets before are good.
// It allocates only for comments.
func (r *Reader) Next(f *wire.Frame) error {
	if r.failed != nil {
		return r.failed
	}
	if err := r.next(r, f); err != nil {
		r.failed = err
		return err
	}
	r.count++
	return nil
}

// Interfaces implements [wire.Source]. The slice is good until the next call of Next.
func (r *Reader) Interfaces() []wire.Interface { return r.interfaces }

// Drops implements [wire.Source]: what the interface statistics of the file say, or the counts beside its packets where they say more.
// Classic pcap says nothing of it.
func (r *Reader) Drops() uint64 { return r.drops + r.section.drops() }

// Comment is what the file says of itself as far as it was read: the comments of its sections and of its statistics, one
// a line. Escape it before it goes to a terminal.
func (r *Reader) Comment() string { return string(r.comments) }

// Close closes the file, if Open opened it.
func (r *Reader) Close() error { return r.closer.Close() }

func (r *Reader) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (r *Reader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// damaged is the error of a file that contradicts itself at the place that is to be read next.
func (r *Reader) damaged(format string, args ...any) error {
	return fmt.Errorf("%s: byte %d: %s: %w; %s before it are good", r.name, r.in.offset, fmt.Sprintf(format, args...), ErrDamaged, r.packets())
}

// broken is the error of a file that cannot be read on in the middle of what begins at that byte.
func (r *Reader) broken(what string, start int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: ends in the middle of a %s, which begins at byte %d: %w: what wrote it was stopped there, or it was cut; %s before it are good",
			r.name, what, start, io.ErrUnexpectedEOF, r.packets())
	}
	return fmt.Errorf("%s: %w; %s before that are good", r.name, err, r.packets())
}

func (r *Reader) packets() string {
	if r.count == 1 {
		return "the one packet"
	}
	return fmt.Sprintf("the %d packets", r.count)
}

// addComment keeps what the file says of itself.
func (r *Reader) addComment(text []byte) {
	if len(text) == 0 || len(r.comments)+1+len(text) > maxText {
		return
	}
	if len(r.comments) > 0 {
		r.comments = append(r.comments, '\n')
	}
	r.comments = append(r.comments, text...)
}
