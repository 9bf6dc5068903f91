package capture

import (
	"fmt"

	"golang.org/x/net/bpf"

	"dgram/sock"
	"dgram/wire"
)

// A gate is the one program that stands in the kernel: it chooses by interface and direction, then runs the part of the filter that was
// compiled for the link type of the frame's device. So one socket serves interfaces of every kind, frames come in the order
// in which they passed, and interfaces may come up later.
type gate struct {
	snaplen   int
	indexes   []int // of the interfaces wanted, when the socket hears all of them; nil: any
	direction Direction
	kinds     []wire.LinkType // that may come, at least one
	loopback  bool            // whether a loopback device may be among them
	filter    Program         // may be nil
}

// maxInterfaces bounds how many may be named: a jump of a program goes over 255 instructions at most.
const maxInterfaces = 200

// build writes the program.
func (g gate) build() ([]bpf.RawInstruction, error) {
	if len(g.indexes) > maxInterfaces {
		return nil, fmt.Errorf("capture: %d interfaces are named, at most %d can be: name none to capture on all", len(g.indexes), maxInterfaces)
	}
	keep := bpf.RetConstant{Val: uint32(g.snaplen)}
	head := append(g.interfaces(), g.directions()...)
	if g.filter == nil {
		return bpf.Assemble(append(head, keep))
	}
	// The filter looks for a VLAN tag where it was on the wire, and the kernel has taken it out: the reader decides (Live.accept).
	head = append(head, bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1}, keep)
	program, err := bpf.Assemble(head)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	for i, kind := range g.kinds {
		part, err := g.part(kind)
		if err != nil && i == 0 {
			return nil, err
		}
		if err != nil {
			// What is known on Ethernet only (vlan) need not hinder a capture of all interfaces. Whether the rest of the filter lets such
			// a frame through decides its reader.
			part = everything(g.snaplen)
		}
		if i < len(g.kinds)-1 { // the last one is for all that is left
			program = append(program, unless(kind, len(part))...)
		}
		program = append(program, part...)
	}
	return program, nil
}

// interfaces rejects what comes from others than those named.
func (g gate) interfaces() []bpf.Instruction {
	if g.indexes == nil {
		return nil
	}
	program := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}}
	for i, index := range g.indexes {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(index), SkipTrue: uint8(len(g.indexes) - i)})
	}
	return append(program, bpf.RetConstant{})
}

// directions rejects the wrong direction. On the loopback device each datagram goes out and then comes in: the second is the one that is
// kept, whatever direction is asked for.
func (g gate) directions() []bpf.Instruction {
	reject := bpf.RetConstant{}
	outgoing := func(yes, no uint8) []bpf.Instruction {
		return []bpf.Instruction{
			bpf.LoadExtension{Num: bpf.ExtType},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(sock.Outgoing), SkipTrue: yes, SkipFalse: no}, reject,
		}
	}
	isLoopback := func(yes, no uint8) []bpf.Instruction {
		return []bpf.Instruction{
			bpf.LoadExtension{Num: bpf.ExtLinkLayerType},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: hardwareLoopback, SkipTrue: yes, SkipFalse: no},
		}
	}
	switch {
	case g.direction == Incoming:
		return outgoing(0, 1)
	case g.direction == Outgoing && !g.loopback:
		return outgoing(1, 0)
	case g.direction == Outgoing: // on loopback what comes in, elsewhere what goes out
		program := append(isLoopback(0, 4), outgoing(0, 1)...)
		return append(append(program, bpf.Jump{Skip: 3}), outgoing(1, 0)...)
	case g.loopback:
		return append(isLoopback(0, 3), outgoing(0, 1)...)
	}
	return nil
}

// unless goes past the n instructions that follow it if the frame's device is not of that kind.
func unless(kind wire.LinkType, n int) []bpf.RawInstruction {
	types := rawHardware
	if kind == wire.LinkEthernet {
		types = []uint16{hardwareEthernet, hardwareLoopback}
	}
	program := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLinkLayerType}}
	for i, t := range types {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(t), SkipTrue: uint8(len(types) - i)})
	}
	raw, err := bpf.Assemble(append(program, bpf.Jump{Skip: uint32(n)}))
	if err != nil {
		panic(err) // constants
	}
	return raw
}

// part is the filter for one kind of device.
func (g gate) part(kind wire.LinkType) ([]bpf.RawInstruction, error) {
	if kind != wire.LinkSLL {
		return g.filter(kind, g.snaplen)
	}
	program, err := g.filter(wire.LinkRaw, g.snaplen)
	if err != nil {
		return nil, err
	}
	return fromNetworkHeader(program, g.snaplen), nil
}

// Of the numbers in linux/filter.h: classes and modes of loads, and where the network header begins, wherever that is.
const (
	classMask, classLoad, classLoadX = 0x07, 0x00, 0x01
	modeMask                         = 0xe0
	modeAbsolute, modeIndirect       = 0x20, 0x40
	modeLength, modeHeader           = 0x80, 0xa0
	networkOffset                    = uint32(0xfff00000)
)

// fromNetworkHeader makes a program for frames that begin with the IP header count from there in frames that begin with anything.
// The length of such a frame is another than the one that its reader will see, so a program that asks for it is none for the kernel:
// everything passes.
func fromNetworkHeader(program []bpf.RawInstruction, snaplen int) []bpf.RawInstruction {
	moved := make([]bpf.RawInstruction, len(program))
	for i, in := range program {
		load := in.Op&classMask == classLoad || in.Op&classMask == classLoadX
		switch mode := in.Op & modeMask; {
		case load && mode == modeLength:
			return everything(snaplen)
		case load && (mode == modeAbsolute || mode == modeIndirect || mode == modeHeader) && in.K < networkOffset:
			in.K += networkOffset
		}
		moved[i] = in
	}
	return moved
}

// everything keeps so much of every frame.
func everything(snaplen int) []bpf.RawInstruction {
	return []bpf.RawInstruction{{Op: 0x06, K: uint32(snaplen)}} // return
}
