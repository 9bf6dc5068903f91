package sock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Options of PACKET sockets (packet(7)) and of the filter that any socket can have (socket(7)).
var (
	packetVersion        = Opt{"PACKET_VERSION", unix.SOL_PACKET, unix.PACKET_VERSION}
	packetReserve        = Opt{"PACKET_RESERVE", unix.SOL_PACKET, unix.PACKET_RESERVE}
	packetVnetHdr        = Opt{"PACKET_VNET_HDR", unix.SOL_PACKET, unix.PACKET_VNET_HDR}
	packetRxRing         = Opt{"PACKET_RX_RING", unix.SOL_PACKET, unix.PACKET_RX_RING}
	packetStatistics     = Opt{"PACKET_STATISTICS", unix.SOL_PACKET, unix.PACKET_STATISTICS}
	packetIgnoreOutgoing = Opt{"PACKET_IGNORE_OUTGOING", unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING}
	packetAddMembership  = Opt{"PACKET_ADD_MEMBERSHIP", unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP}
	soAttachFilter       = Opt{"SO_ATTACH_FILTER", unix.SOL_SOCKET, unix.SO_ATTACH_FILTER}
)

// rejectAll lets nothing through.
var rejectAll = []bpf.RawInstruction{{Op: unix.BPF_RET | unix.BPF_K}}

// AttachFilter lets through what the program wants, as many bytes of it as the program returns, and takes the place of a program
// that was there (SO_ATTACH_FILTER, socket(7)). A PACKET socket opened with the protocol 0 receives nothing until
// it is bound with one: attached in between, the filter sees the first frame.
func (s *Socket) AttachFilter(program []bpf.RawInstruction) error {
	if len(program) == 0 || len(program) > unix.BPF_MAXINSNS {
		err := errAddress(fmt.Sprintf("the filter has %d instructions: the kernel takes 1 to %d", len(program), unix.BPF_MAXINSNS))
		return s.fail("setsockopt", soAttachFilter.Name, err)
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	filter := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	return s.SetBytes(soAttachFilter, unsafe.Slice((*byte)(unsafe.Pointer(&filter)), unsafe.Sizeof(filter)))
}

// IgnoreOutgoing leaves out the frames that this machine sends (PACKET_IGNORE_OUTGOING, since Linux 4.20).
func (s *Socket) IgnoreOutgoing() error { return s.Set(packetIgnoreOutgoing, 1) }

// Promiscuous makes the device with that index hand over frames for other hosts too, for as long as the socket is open (packet(7)).
func (s *Socket) Promiscuous(index int) error {
	var request [16]byte // struct packet_mreq: index, type, length and address
	binary.NativeEndian.PutUint32(request[:], uint32(index))
	binary.NativeEndian.PutUint16(request[4:], unix.PACKET_MR_PROMISC)
	return s.SetBytes(packetAddMembership, request[:])
}

// Device describes the interface with that index. The error wraps ENODEV when there is none.
func (s *Socket) Device(index int) (Device, error) {
	request, _ := unix.NewIfreq("")
	request.SetUint32(uint32(index))
	if err := s.ask(unix.SIOCGIFNAME, request); err != nil {
		return Device{}, s.fail("ioctl", fmt.Sprintf("interface %d", index), err)
	}
	return s.DeviceByName(request.Name())
}

// DeviceByName describes the interface with that name. The error wraps ENODEV when there is none.
func (s *Socket) DeviceByName(name string) (Device, error) {
	d := Device{Name: name}
	request, err := unix.NewIfreq(name)
	if err != nil { // longer than any name
		return d, s.fail("ioctl", "interface "+name, unix.ENODEV)
	}
	number, flags, hardware := *request, *request, *request
	err = errors.Join(s.ask(unix.SIOCGIFINDEX, &number), s.ask(unix.SIOCGIFFLAGS, &flags), s.ask(unix.SIOCGIFHWADDR, &hardware))
	if err != nil {
		return d, s.fail("ioctl", "interface "+name, err)
	}
	d.Index, d.Up, d.HaType = int(number.Uint32()), flags.Uint16()&unix.IFF_UP != 0, hardware.Uint16()
	return d, nil
}

func (s *Socket) ask(request uint, value *unix.Ifreq) error {
	var callErr error
	if err := s.control(func(fd uintptr) { callErr = unix.IoctlIfreq(int(fd), request, value) }); err != nil {
		return err
	}
	return callErr
}
