package capture

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/bpf"

	"dgram/internal/wording"
	"dgram/wire"
)

// Config says what to capture. Its zero value captures everything on every interface.
type Config struct {
	// Interfaces are names of interfaces. None, or "any", is all there are and all that will be while the capture runs.
	Interfaces []string
	// Filter chooses frames, in the kernel; nil: all of them.
	Filter Program
	// Snaplen is how many bytes of a frame are kept at most; 0: DefaultSnaplen. A frame that does not fit into a block of the buffer (128 KiB,
	// with a buffer of less than half a MiB a quarter of it) is cut there; only a kernel that segments late has any.
	Snaplen int
	// Buffer is how many bytes of memory the kernel may fill before it drops frames; 0: DefaultBuffer. It cannot be swapped out.
	Buffer int
	// Promiscuous asks for frames that are meant for other hosts too; the interfaces must then be named.
	Promiscuous bool
	// Direction leaves out what this machine sends, or what it receives. On the loopback interface everything is both.
	Direction Direction
}

// A Program gives what a filter is for frames of a link type, as wire/filter compiles it: it returns how many bytes of a frame to keep,
// and 0 for none of it. A live capture asks for Ethernet and raw IP. Where the program cannot be made for one of several link
// types, or asks for the length of a frame that becomes a cooked one, the kernel lets all of those frames through: whoever has a filter that
// can match frames itself does so once more.
// The program sees the datagrams of a train (Live.Next) as one frame: filter.CompileLive lets pass what this leaves open.
type Program func(link wire.LinkType, snaplen int) ([]bpf.RawInstruction, error)

// Direction is which frames are wanted, by who sent them.
type Direction uint8

// The directions.
const (
	Both     Direction = iota
	Incoming           // what this machine receives
	Outgoing           // what this machine sends
)

// What a Config with zeros means. The buffer holds 40,000 packets of 100 bytes, or 5,000 of 1,500; and 0.6 seconds of quiet traffic, of
// which every 10 ms take a block. Whoever records much should ask for more.
const (
	DefaultSnaplen = 262_144
	DefaultBuffer  = 8 << 20
)

// How the buffer is divided. Frames reach the reader when a block is full, or turn after the first of them.
const (
	blockSize  = 128 << 10
	minBlock   = 4096
	maxBlock   = 1 << 20
	minBlocks  = 4
	manyBlocks = 64
	turn       = 10 * time.Millisecond
)

// ErrDown and ErrGone are the causes that Next tells when an interface went down, or away. A capture of an interface that is down goes on
// when it is up again; calls of Next after one that said ErrGone go on with the other interfaces.
var (
	ErrDown = errors.New("the interface is down")
	ErrGone = errors.New("the interface is gone")
)

// defaults fills in what is zero, and says what cannot be.
func (c Config) defaults() (Config, error) {
	if c.Snaplen == 0 {
		c.Snaplen = DefaultSnaplen
	}
	if c.Buffer == 0 {
		c.Buffer = DefaultBuffer
	}
	if c.Snaplen < 0 || c.Buffer < 0 || c.Buffer > 1<<30 {
		return c, fmt.Errorf("capture: a snapshot length of %d and a buffer of %d bytes: the one is 1 or more, the other at most a gigabyte", c.Snaplen, c.Buffer)
	}
	var names []string
	for _, name := range c.Interfaces {
		if name == "any" {
			names = nil
			break
		}
		names = append(names, name)
	}
	if c.Interfaces = names; c.Promiscuous && names == nil {
		return c, errors.New("capture: promiscuous mode is switched on at an interface: name the ones that it is wanted on")
	}
	return c, nil
}

// divide gives the number of blocks of the buffer, and their size. Many blocks let a slow reader of little traffic keep all of it, because
// each turn may use one up; large ones wake a reader of much traffic less often.
func (c Config) divide() (blocks, size int) {
	size = blockSize
	for size < maxBlock && c.Buffer > manyBlocks*size {
		size *= 2
	}
	for size > minBlock && c.Buffer < minBlocks*size {
		size /= 2
	}
	return max(c.Buffer/size, minBlocks), size
}

// unknown says that there is no interface of that name, and which there are.
func unknown(name string, there []string) error {
	if len(there) == 0 {
		return fmt.Errorf("capture: no network interface is named %q, and none could be listed", name)
	}
	hint := ""
	if near := wording.Nearest(name, there); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("capture: no network interface is named %q: there are %s (and any, for all of them)%s", name, strings.Join(there, ", "), hint)
}
