package wire

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"dgram/internal/testnet"
)

// A script is what is sent of one datagram, piece by piece.
type scriptPiece struct {
	off, end int
	more     bool
}

// script takes pieces of a datagram of 96 bytes, mostly in order and mostly all of them; often one that does not fit.
func (g *generator) script() []scriptPiece {
	const total, step = 96, 8
	var pieces []scriptPiece
	for off := 0; off < total; {
		end := min(off+step*(1+g.IntN(5)), total)
		pieces = append(pieces, scriptPiece{off, end, end < total})
		off = end
	}
	for range g.IntN(3) {
		off := step * g.IntN(total/step)
		end := min(off+step*(1+g.IntN(4)), total)
		odd := scriptPiece{off, end, end < total}
		switch g.IntN(6) {
		case 0:
			odd.more = !odd.more
		case 1:
			odd.end -= 1 + g.IntN(8)
		}
		at := g.IntN(len(pieces) + 1)
		pieces = append(pieces[:at], append([]scriptPiece{odd}, pieces[at:]...)...)
	}
	if g.one(2) {
		g.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	}
	return pieces
}

// The kernel of the machine and the Reassembler get the same pieces and make the same datagrams of them.
func TestReassembleAgreesWithTheKernel(t *testing.T) {
	testnet.Need(t, testnet.Namespaces)
	left, right := testnet.Pair(t, "192.168.3.2/24 fd00:3::2/64", "192.168.3.8/24 fd00:3::8/64")
	for _, c := range []struct {
		name     string
		family   int
		src, dst netip.AddrPort
	}{
		{"IPv4", syscall.AF_INET, v4SrcPort, v4DstPort},
		{"IPv6", syscall.AF_INET6, v6SrcPort, v6DstPort},
	} {
		t.Run(c.name, func(t *testing.T) {
			var conn *net.UDPConn
			right.Do(func() {
				var err error
				if conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(c.dst)); err != nil {
					t.Fatal(err)
				}
			})
			defer conn.Close()
			g := newGenerator(13)
			left.Do(func() {
				send := rawSender(t, c.family, c.dst.Addr())
				whole := 0
				for n := range 300 {
					script := g.script()
					got, want := runScript(t, c.src, c.dst, uint32(n+1), script, send, conn)
					if got != want {
						t.Errorf("%v: the kernel made %d datagrams of it, we %d", script, got, want)
					}
					whole += want
				}
				if whole < 80 || whole > 220 {
					t.Errorf("%d of 300 became whole: the scripts are one-sided", whole)
				}
			})
		})
	}
}

// rawSender sends packets with their IP header (raw(7), ipv6(7)), all on one processor so that none overtakes another.
// The thread is the calling one; it stays on that processor until the test ends.
func rawSender(t *testing.T, family int, to netip.Addr) func([]byte) {
	t.Helper()
	const ipv6HeaderIncluded = 36 // IPV6_HDRINCL of linux/in6.h
	stayOnOneProcessor(t)
	fd, err := syscall.Socket(family, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	var address syscall.Sockaddr
	if to.Is4() {
		address = &syscall.SockaddrInet4{Addr: to.As4()}
	} else {
		address = &syscall.SockaddrInet6{Addr: to.As16()}
		if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, ipv6HeaderIncluded, 1); err != nil {
			t.Fatal(err)
		}
	}
	return func(b []byte) {
		if err := syscall.Sendto(fd, b, 0, address); err != nil {
			t.Fatalf("sending %x: %v", b, err)
		}
	}
}

// stayOnOneProcessor is for the calling thread (sched_setaffinity(2)), which testnet ends with the function that it runs.
func stayOnOneProcessor(t *testing.T) {
	t.Helper()
	var mask, one [16]uint64
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))); errno != 0 {
		t.Fatal(errno)
	}
	for i := range mask {
		if mask[i] != 0 {
			one[i] = mask[i] & -mask[i]
			break
		}
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(one), uintptr(unsafe.Pointer(&one))); errno != 0 {
		t.Fatal(errno)
	}
}

// runScript counts how many datagrams the kernel, and how many a Reassembler makes of the pieces.
func runScript(t *testing.T, src, dst netip.AddrPort, id uint32, script []scriptPiece, send func([]byte), conn *net.UDPConn) (kernel, ours int) {
	t.Helper()
	whole := AppendUDP(nil, src, dst, 64, 0, make([]byte, 96-udpHeaderLength))
	header, next := whole[:20], byte(0)
	if dst.Addr().Is6() {
		header, next = whole[:40], ProtocolUDP
	}
	var r Reassembler
	for _, s := range script {
		piece := fragment(header, next, id, s.off, s.more, whole[len(header)+s.off:len(header)+s.end])
		p := decodeRaw(piece)
		if (r.Add(&p) || !p.Fragment) && p.Problem == NoProblem {
			ours++
		}
		send(piece)
	}
	end := fmt.Sprint("end of ", id)
	send(AppendUDP(nil, src, dst, 64, 0, []byte(end)))
	buf := make([]byte, 2000)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) == end {
			return kernel, ours
		}
		kernel++
	}
}
