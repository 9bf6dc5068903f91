package capture

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"dgram/wire"
)

func TestDefaults(t *testing.T) {
	c, err := Config{}.defaults()
	if err != nil || c.Snaplen != 262_144 || c.Buffer != 8<<20 || c.Interfaces != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = (Config{Interfaces: []string{"eth0", "any"}}).defaults(); err != nil || c.Interfaces != nil {
		t.Errorf("any is not all: %+v, %v", c, err)
	}
	for _, c := range []Config{{Snaplen: -1}, {Buffer: -1}, {Buffer: 2 << 30}, {Promiscuous: true}, {Promiscuous: true, Interfaces: []string{"any"}}} {
		if _, err := c.defaults(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func TestDivide(t *testing.T) {
	for _, c := range []struct{ buffer, blocks, size int }{
		{8 << 20, 64, 128 << 10}, {1 << 20, 8, 128 << 10}, {300_000, 4, 64 << 10}, {1, 4, 4096}, {5 * 4096, 5, 4096}, {32 << 20, 64, 512 << 10}, {1 << 30, 1024, 1 << 20},
	} {
		if blocks, size := (Config{Buffer: c.buffer}).divide(); blocks != c.blocks || size != c.size {
			t.Errorf("a buffer of %d: %d blocks of %d bytes, want %d of %d", c.buffer, blocks, size, c.blocks, c.size)
		}
	}
}

func TestUnknownInterfaceNamesTheNearest(t *testing.T) {
	there := []string{"lo", "eth0", "eth1", "wlp3s0", "docker0"}
	err := unknown("eht0", there)
	for _, part := range []string{`"eht0"`, "lo, eth0, eth1, wlp3s0, docker0", "did you mean eth0?"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
}

// The kernel checks a program as it is attached; here every shape is built, and its jumps stay inside.
func TestEveryGateIsAProgram(t *testing.T) {
	all := []wire.LinkType{wire.LinkEthernet, wire.LinkRaw, wire.LinkSLL}
	for _, direction := range []Direction{Both, Incoming, Outgoing} {
		for _, loopback := range []bool{false, true} {
			for _, indexes := range [][]int{nil, {1, 2}, make([]int, maxInterfaces)} {
				for kinds := 1; kinds <= 3; kinds++ {
					for _, filter := range []Program{nil, long} {
						g := gate{snaplen: 100, direction: direction, loopback: loopback, indexes: indexes, kinds: all[:kinds], filter: filter}
						program, err := g.build()
						if err != nil {
							t.Fatal(err)
						}
						stays(t, program)
					}
				}
			}
		}
	}
	if _, err := (gate{indexes: make([]int, maxInterfaces+1)}).build(); err == nil {
		t.Error("too many interfaces are taken")
	}
	wrong := errors.New("wrong")
	g := gate{kinds: all, filter: func(wire.LinkType, int) ([]bpf.RawInstruction, error) { return nil, wrong }}
	if _, err := g.build(); !errors.Is(err, wrong) {
		t.Errorf("the filter's error is lost: %v", err)
	}
}

// long is a filter of more instructions than a conditional jump goes over.
func long(wire.LinkType, int) ([]bpf.RawInstruction, error) {
	program := make([]bpf.Instruction, 1000)
	for i := range program {
		program[i] = bpf.LoadAbsolute{Off: uint32(i), Size: 1}
	}
	return bpf.Assemble(append(program, bpf.RetA{}))
}

func stays(t *testing.T, program []bpf.RawInstruction) {
	t.Helper()
	code, whole := bpf.Disassemble(program)
	if !whole {
		t.Fatal("an instruction is unknown")
	}
	for i, in := range code {
		furthest := i
		switch in := in.(type) {
		case bpf.Jump:
			furthest += int(in.Skip)
		case bpf.JumpIf:
			furthest += int(max(in.SkipTrue, in.SkipFalse))
		}
		if furthest+1 > len(code) {
			t.Fatalf("instruction %d of %d jumps out: %v", i, len(code), in)
		}
	}
	last := program[len(program)-1]
	if last.Op&classMask != 0x06 {
		t.Fatalf("the last instruction does not return: %v", last)
	}
}

func TestFromNetworkHeader(t *testing.T) {
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1}, bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 7}, bpf.LoadExtension{Num: bpf.ExtType}, bpf.RetA{},
	})
	if err != nil {
		t.Fatal(err)
	}
	moved := fromNetworkHeader(program, 100)
	for i, want := range []uint32{networkOffset + 9, networkOffset, networkOffset + 2, 7, program[4].K, 0} {
		if moved[i].K != want || moved[i].Op != program[i].Op {
			t.Errorf("instruction %d: %+v, want %#x", i, moved[i], want)
		}
	}
	length, _ := bpf.Assemble([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}, bpf.RetA{}})
	if moved = fromNetworkHeader(length, 100); len(moved) != 1 || moved[0].K != 100 {
		t.Errorf("a program that asks for the length became %v", moved)
	}
}

func TestListHasTheLoopback(t *testing.T) {
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Loopback && d.Index > 0 && d.Name != "" {
			return
		}
	}
	t.Errorf("no loopback interface among %+v", list)
}
