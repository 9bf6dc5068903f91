package pcapfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"dgram/wire"
)

// WriterConfig says what a capture file tells of itself.
type WriterConfig struct {
	Comment     string // of the whole file
	Application string // that writes it, with its version
	Hardware    string // that it was captured on
	System      string // operating system
	// Interfaces are those known at the start; AddInterface adds more.
	Interfaces []wire.Interface
	// Directions says that a Frame that is not Outgoing came in; without it, only what is Outgoing is marked.
	Directions bool
	// Unbroken has no block of a page (4,096 bytes) or less lie across two pages of the file, by blocks of nothing between them, which
	// readers pass over. The system copies what is written page by page and looks in between whether the process is being killed: so
	// a file whose writer is killed ends where a block ends, even amid a Write. Longer blocks can still be cut.
	Unbroken bool
	// Classic writes pcap with nanoseconds in place of pcapng: no comments, no directions, no counts, and one link type.
	Classic bool
}

// A Writer writes a capture file: pcapng of one section, little-endian, with times in nanoseconds. It belongs to one goroutine.
//
// What is added stands in a buffer until Flush writes it: whole blocks, in one call of Write. The buffer holds 256 KiB and one packet; a
// full one is flushed by Add. When a Write fails, what it did not take stays and goes first the next time, so that the file is
// whole again as soon as there is room on the disk; until then Add refuses what the buffer does not hold.
type Writer struct {
	to         io.Writer
	file       *os.File // that Create opened
	buf        []byte
	links      []wire.LinkType
	classic    bool
	directions bool
	unbroken   bool
	written    int64  // bytes of the file that are not in buf any more
	missed     uint64 // lost before the packet that comes next
	failed     error  // of what can never be written
}

// fullBuffer is how many bytes wait for a Flush at most, but for the packet that comes last. They stay in the processor's second cache until
// the kernel copies them: with a buffer of a MiB long packets cost nearly twice as much.
const fullBuffer = 256 << 10

// ErrNoRoom says that a packet was not added because the file cannot take what was added before.
var ErrNoRoom = errors.New("what was recorded before cannot be written")

// NewWriter returns a Writer to w. The file's header goes out with the first Flush.
func NewWriter(w io.Writer, c WriterConfig) *Writer {
	n := &Writer{to: w, classic: c.Classic, directions: c.Directions, unbroken: c.Unbroken}
	if !c.Classic {
		n.section(&c)
	}
	for _, i := range c.Interfaces {
		if _, err := n.AddInterface(i); err != nil {
			n.failed = err
		}
	}
	return n
}

// Create makes a capture file of that name, or empties the one that is there, as tcpdump -w does. "-" is the standard output. A
// name that ends in ".pcap" asks for classic pcap. It can only be read by who made it, because packets are private.
func Create(path string, c WriterConfig) (*Writer, error) {
	c.Classic = c.Classic || strings.EqualFold(filepath.Ext(path), ".pcap")
	if path == "-" {
		return NewWriter(os.Stdout, c), nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	w := NewWriter(f, c)
	w.file = f
	return w, nil
}

// AddInterface names another interface and returns its index for [wire.Frame].Interface.
func (w *Writer) AddInterface(i wire.Interface) (int, error) {
	index := len(w.links)
	switch {
	case w.classic && index == 0:
		w.header(i)
	case w.classic && w.links[0] != i.Link:
		return 0, fmt.Errorf("a pcap file holds one link type, and this would be %s after %s: write pcapng (a name that ends in .pcapng)", i.Link, w.links[0])
	case w.classic:
	case index == math.MaxUint16:
		return 0, errors.New("too many interfaces for one capture file")
	default:
		at := w.begin(blockInterface)
		w.u16(uint16(i.Link))
		w.u16(0)
		w.u32(snaplen(i))
		w.text(optionName, i.Name)
		w.option(optionResolution, 1)
		w.buf = append(w.buf, 9, 0, 0, 0) // nanoseconds
		w.option(optionEnd, 0)
		w.finish(at)
	}
	w.links = append(w.links, i.Link)
	return index, nil
}

func snaplen(i wire.Interface) uint32 {
	if i.Snaplen <= 0 || i.Snaplen > maxPacket {
		return maxPacket
	}
	return uint32(i.Snaplen)
}

// Add adds a packet. It copies what it keeps. An error says that this one was not added.
func (w *Writer) Add(f *wire.Frame) error { return addPacket(w, f, f.Comment) }

// AddCommented is Add for who has the comment as bytes; f.Comment is not looked at.
func (w *Writer) AddCommented(f *wire.Frame, comment []byte) error { return addPacket(w, f, comment) }

func addPacket[T string | []byte](w *Writer, f *wire.Frame, comment T) error {
	if err := w.admit(f); err != nil {
		return err
	}
	if w.classic {
		w.record(f)
		return nil
	}
	comment = comment[:fitting(comment)]
	flags := f.Outgoing || w.directions
	w.fit(enhancedSize(len(f.Data), len(comment), flags, w.missed > 0))
	at := w.begin(blockEnhanced)
	ns := uint64(max(f.Time, 0))
	w.u32(uint32(f.Interface))
	w.u32(uint32(ns >> 32))
	w.u32(uint32(ns))
	w.u32(uint32(len(f.Data)))
	w.u32(uint32(max(f.Length, len(f.Data))))
	w.buf = append(w.buf, f.Data...)
	w.pad(len(f.Data))
	bare := len(w.buf)
	if len(comment) > 0 {
		w.option(optionComment, len(comment))
		w.buf = append(w.buf, comment...)
		w.pad(len(comment))
	}
	if flags {
		w.option(optionFlags, 4)
		w.u32(direction(f))
	}
	if w.missed > 0 {
		w.option(optionLost, 8)
		w.u64(w.missed)
		w.missed = 0
	}
	if len(w.buf) > bare {
		w.option(optionEnd, 0)
	}
	w.finish(at)
	return nil
}

func direction(f *wire.Frame) uint32 {
	if f.Outgoing {
		return outbound
	}
	return inbound
}

// enhancedSize is how long the block of a packet is.
func enhancedSize(data, comment int, flags, lost bool) int {
	options := 0
	if comment > 0 {
		options += 4 + padded(comment)
	}
	if flags {
		options += 8
	}
	if lost {
		options += 12
	}
	if options > 0 {
		options += 4
	}
	return blockFrame + 20 + padded(data) + options
}

const page = 4096

var nothing [page]byte

// fit makes sure that a block of n bytes that fits in a page does not lie across two.
func (w *Writer) fit(n int) {
	if !w.unbroken || n > page {
		return
	}
	left := page - int((w.written+int64(len(w.buf)))%page)
	if n == left || n+blockFrame <= left {
		return // the next block, at least one of nothing, fits behind it
	}
	if left < blockFrame {
		left += page
	}
	at := w.begin(blockNothing)
	w.buf = append(w.buf, nothing[:left-blockFrame]...)
	w.finish(at)
}

// admit refuses what no file can hold, and makes room.
func (w *Writer) admit(f *wire.Frame) error {
	switch {
	case w.failed != nil:
		return w.failed
	case f.Interface < 0 || f.Interface >= len(w.links):
		return fmt.Errorf("a packet of interface %d, and the capture file names %d", f.Interface, len(w.links))
	case len(f.Data) > maxPacket:
		return fmt.Errorf("a packet of %d bytes, and a capture file holds at most %d of one", len(f.Data), maxPacket)
	}
	if len(w.buf) >= fullBuffer {
		if err := w.Flush(); err != nil && len(w.buf) >= fullBuffer {
			return fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
	}
	return nil
}

// Lost says that n packets were lost before the one that is added next, which will carry the count. Statistics must count them too.
func (w *Writer) Lost(n uint64) { w.missed += n }

// Statistics closes an interface's part of the file: what it received and lost in all, and whatever else is to be said. It may be
// called again when there is more; what was said last holds. Pcap has no place for it.
func (w *Writer) Statistics(index int, at int64, received, lost uint64, comment string) error {
	if index < 0 || index >= len(w.links) {
		return fmt.Errorf("statistics of interface %d, and the capture file names %d", index, len(w.links))
	}
	if w.classic || w.failed != nil {
		return w.failed
	}
	start := w.begin(blockStatistics)
	ns := uint64(max(at, 0))
	w.u32(uint32(index))
	w.u32(uint32(ns >> 32))
	w.u32(uint32(ns))
	w.text(optionComment, comment)
	w.option(optionReceived, 8)
	w.u64(received)
	w.option(optionDropped, 8)
	w.u64(lost)
	w.option(optionEnd, 0)
	w.finish(start)
	return nil
}

// Buffered returns how many bytes wait for a Flush.
func (w *Writer) Buffered() int { return len(w.buf) }

// Flush writes what was added, with one call of Write.
func (w *Writer) Flush() error {
	if len(w.buf) == 0 || w.failed != nil {
		return w.failed
	}
	n, err := w.to.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	n = min(max(n, 0), len(w.buf))
	w.written += int64(n)
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	if err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// Close flushes, and closes the file if Create opened it.
func (w *Writer) Close() error {
	err := w.Flush()
	if w.file != nil {
		err = errors.Join(err, w.file.Close())
	}
	return err
}

// begin begins a block and returns where; its length is not known yet.
func (w *Writer) begin(kind uint32) int {
	at := len(w.buf)
	w.u32(kind)
	w.u32(0)
	return at
}

// finish puts the length of the block that began there at both of its ends.
func (w *Writer) finish(at int) {
	n := uint32(len(w.buf) - at + 4)
	binary.LittleEndian.PutUint32(w.buf[at+4:], n)
	w.u32(n)
}

func (w *Writer) section(c *WriterConfig) {
	at := w.begin(blockSection)
	w.u32(byteOrderMagic)
	w.u16(1)
	w.u16(0)
	w.u64(math.MaxUint64) // the section's length: not known
	w.text(optionHardware, c.Hardware)
	w.text(optionSystem, c.System)
	w.text(optionApplication, c.Application)
	w.text(optionComment, c.Comment)
	w.option(optionEnd, 0)
	w.finish(at)
}

// header writes that of a pcap file.
func (w *Writer) header(i wire.Interface) {
	w.u32(0xa1b23c4d)
	w.u16(2)
	w.u16(4)
	w.u64(0)
	w.u32(snaplen(i))
	w.u32(uint32(i.Link))
}

// record writes a packet of a pcap file. Its seconds end in 2106.
func (w *Writer) record(f *wire.Frame) {
	ns := max(f.Time, 0)
	w.u32(uint32(ns / second))
	w.u32(uint32(ns % second))
	w.u32(uint32(len(f.Data)))
	w.u32(uint32(max(f.Length, len(f.Data))))
	w.buf = append(w.buf, f.Data...)
}

// text writes an option that is a text, unless that is empty.
func (w *Writer) text(code uint16, s string) {
	if s == "" {
		return
	}
	s = s[:fitting(s)]
	w.option(code, len(s))
	w.buf = append(w.buf, s...)
	w.pad(len(s))
}

// fitting is how much of a text an option holds, whole characters.
func fitting[T string | []byte](s T) int {
	n := len(s)
	if n <= math.MaxUint16 {
		return n
	}
	for n = math.MaxUint16; n > math.MaxUint16-utf8.UTFMax && !utf8.RuneStart(s[n]); n-- {
	}
	return n
}

// option writes the head of an option of n bytes.
func (w *Writer) option(code uint16, n int) {
	w.u16(code)
	w.u16(uint16(n))
}

// pad fills up to a multiple of four what n bytes were written of.
func (w *Writer) pad(n int) {
	for ; n%4 != 0; n++ {
		w.buf = append(w.buf, 0)
	}
}

func (w *Writer) u16(v uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, v) }
func (w *Writer) u32(v uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, v) }
func (w *Writer) u64(v uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }
