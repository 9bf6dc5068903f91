package sock

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Every family of the teaching text with every type. What a kernel need not
// have may be missing, but then the error has to say what.
func TestEveryFamilyAndType(t *testing.T) {
	needRaw(t)
	needIPv6(t)
	type made struct {
		family Family
		typ    Type
		proto  Proto
	}
	opens := map[made]made{
		{UNIX, STREAM, 0}:       {UNIX, STREAM, 0},
		{UNIX, DGRAM, 0}:        {UNIX, DGRAM, 0},
		{UNIX, RAW, 0}:          {UNIX, DGRAM, 0},
		{UNIX, SEQPACKET, 0}:    {UNIX, SEQPACKET, 0},
		{INET, STREAM, 0}:       {INET, STREAM, ProtoTCP},
		{INET, DGRAM, 0}:        {INET, DGRAM, ProtoUDP},
		{INET, RAW, 1}:          {INET, RAW, ProtoICMP},
		{INET, OLDPACKET, 0}:    {PACKET, OLDPACKET, 0},
		{INET6, STREAM, 0}:      {INET6, STREAM, ProtoTCP},
		{INET6, DGRAM, 0}:       {INET6, DGRAM, ProtoUDP},
		{INET6, RAW, 58}:        {INET6, RAW, ProtoICMPv6},
		{PACKET, RAW, EtherAll}: {PACKET, RAW, EtherAll},
		{PACKET, DGRAM, 0x0800}: {PACKET, DGRAM, EtherIPv4},
		{PACKET, OLDPACKET, 0}:  {PACKET, OLDPACKET, 0},
		{}:                      {INET, STREAM, ProtoTCP},
		{INET6, 0, 0}:           {INET6, STREAM, ProtoTCP},
		{0, DGRAM, 0}:           {INET, DGRAM, ProtoUDP},
	}
	for asked, want := range opens {
		s, err := New(asked.family, asked.typ, asked.proto)
		if err != nil {
			t.Errorf("%v: %v", asked, err)
			continue
		}
		if got := (made{s.Family(), s.Type(), s.Proto()}); got != want {
			t.Errorf("%v became %v, want %v", asked, got, want)
		}
		s.Close()
	}
	for _, family := range []Family{UNIX, INET, INET6, PACKET} {
		for _, typ := range []Type{STREAM, DGRAM, RAW, RDM, SEQPACKET, DCCP, OLDPACKET} {
			s, err := New(family, typ, 0)
			if err == nil {
				s.Close()
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("%v %v: %v: does not say what is missing", family, typ, err)
			}
		}
	}
}

func TestWhatIsMissing(t *testing.T) {
	needIPv6(t)
	tests := []struct {
		family Family
		typ    Type
		proto  Proto
		errno  error
		want   string
	}{
		{INET, RAW, 0, unix.EPROTONOSUPPORT, "socket AF_INET SOCK_RAW 0: protocol not supported: SOCK_RAW needs a protocol"},
		{INET, RDM, 0, unix.ESOCKTNOSUPPORT, "SOCK_RDM needs the family AF_TIPC"},
		{INET, SEQPACKET, 0, unix.ESOCKTNOSUPPORT, "needs SCTP"},
		{INET6, OLDPACKET, 0, unix.ESOCKTNOSUPPORT, "SOCK_PACKET is obsolete: use AF_PACKET with SOCK_RAW"},
		{UNIX, RDM, 0, unix.ESOCKTNOSUPPORT, "SOCK_RDM needs"},
		{UNIX, DCCP, 0, unix.ESOCKTNOSUPPORT, "AF_UNIX has SOCK_STREAM"},
		{UNIX, DGRAM, 5, unix.EPROTONOSUPPORT, "AF_UNIX has no protocols"},
		{INET, DGRAM, ProtoTCP, unix.EPROTONOSUPPORT, "no such protocol"},
		{INET, DGRAM, 9999, unix.EINVAL, "number of the protocol is out of range"},
		{45, STREAM, 0, unix.EAFNOSUPPORT, "AF_45 SOCK_STREAM 0: address family not supported by protocol: this kernel has no such address family"},
	}
	for _, tt := range tests {
		s, err := New(tt.family, tt.typ, tt.proto)
		if err == nil {
			s.Close()
			t.Logf("this kernel has %v %v %v", tt.family, tt.typ, tt.proto)
			continue
		}
		if !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: want %v and %q", err, tt.errno, tt.want)
		}
	}
	if s, err := New(INET, DCCP, 0); err == nil {
		s.Close() // a kernel before 6.16
	} else if !strings.Contains(err.Error(), "this kernel offers no DCCP (removed from Linux in 6.16)") {
		t.Error(err)
	}
}

// The numbers are written out in this package so that every system has them;
// here they are held against the kernel's headers.
func TestNumbers(t *testing.T) {
	pairs := [][2]int{
		{int(UNIX), unix.AF_UNIX}, {int(INET), unix.AF_INET}, {int(INET6), unix.AF_INET6}, {int(PACKET), unix.AF_PACKET},
		{kernelType(STREAM), unix.SOCK_STREAM}, {kernelType(DGRAM), unix.SOCK_DGRAM}, {int(RAW), unix.SOCK_RAW}, {int(RDM), unix.SOCK_RDM},
		{int(SEQPACKET), unix.SOCK_SEQPACKET}, {int(DCCP), unix.SOCK_DCCP}, {int(OLDPACKET), unix.SOCK_PACKET},
		{int(OOB), unix.MSG_OOB}, {int(PEEK), unix.MSG_PEEK}, {int(DONTROUTE), unix.MSG_DONTROUTE}, {int(CTRUNC), unix.MSG_CTRUNC},
		{int(TRUNC), unix.MSG_TRUNC}, {int(DONTWAIT), unix.MSG_DONTWAIT}, {int(EOR), unix.MSG_EOR}, {int(WAITALL), unix.MSG_WAITALL},
		{int(CONFIRM), unix.MSG_CONFIRM}, {int(ERRQUEUE), unix.MSG_ERRQUEUE}, {int(NOSIGNAL), unix.MSG_NOSIGNAL}, {int(MORE), unix.MSG_MORE},
		{int(ZEROCOPY), unix.MSG_ZEROCOPY}, {int(FASTOPEN), unix.MSG_FASTOPEN},
		{int(ProtoICMP), unix.IPPROTO_ICMP}, {int(ProtoTCP), unix.IPPROTO_TCP}, {int(ProtoUDP), unix.IPPROTO_UDP},
		{int(ProtoDCCP), unix.IPPROTO_DCCP}, {int(ProtoICMPv6), unix.IPPROTO_ICMPV6}, {int(ProtoSCTP), unix.IPPROTO_SCTP},
		{int(ProtoUDPLite), unix.IPPROTO_UDPLITE}, {int(ProtoRaw), unix.IPPROTO_RAW}, {int(ProtoMPTCP), unix.IPPROTO_MPTCP},
		{int(EtherAll), unix.ETH_P_ALL}, {int(EtherIPv4), unix.ETH_P_IP}, {int(EtherARP), unix.ETH_P_ARP}, {int(EtherIPv6), unix.ETH_P_IPV6},
		{int(ToHost), unix.PACKET_HOST}, {int(ToBroadcast), unix.PACKET_BROADCAST}, {int(ToMulticast), unix.PACKET_MULTICAST},
		{int(ToOther), unix.PACKET_OTHERHOST}, {int(Outgoing), unix.PACKET_OUTGOING},
		{int(SHUTRD), unix.SHUT_RD}, {int(SHUTWR), unix.SHUT_WR}, {int(SHUTRDWR), unix.SHUT_RDWR},
		{inetSize, unix.SizeofSockaddrInet4}, {inet6Size, unix.SizeofSockaddrInet6}, {linkSize, unix.SizeofSockaddrLinklayer},
	}
	for i, p := range pairs {
		if p[0] != p[1] {
			t.Errorf("number %d is %d, the kernel's is %d", i, p[0], p[1])
		}
	}
}

// A limit on open files belongs to the process, so the test runs in a child.
func TestTooManyOpenFiles(t *testing.T) {
	if os.Getenv("SOCK_TEST_FEW_FILES") != "" {
		exhaustFiles(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestTooManyOpenFiles$", "-test.v")
	child.Env = append(os.Environ(), "SOCK_TEST_FEW_FILES=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func exhaustFiles(t *testing.T) {
	listener := bound(t, INET, STREAM, anyAddr(INET))
	if err := listener.Listen(1); err != nil {
		t.Fatal(err)
	}
	client := open(t, INET, STREAM, 0)
	if err := client.Connect(local(t, listener)); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: 30, Max: 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		s, err := New(INET, DGRAM, 0)
		if err != nil {
			if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "too many open files: raise the limit of this process with `ulimit -n`") {
				t.Fatal(err)
			}
			if _, _, err = listener.Accept(); !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
				t.Fatalf("accept: %v", err)
			}
			if _, err = client.File(); !errors.Is(err, syscall.EMFILE) {
				t.Fatalf("dup: %v", err)
			}
			return
		}
		defer s.Close()
	}
	t.Fatal("40 sockets were opened with a limit of 30 files")
}
