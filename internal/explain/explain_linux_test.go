package explain

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"dgram/sock"
)

func inet(s string) sock.Addr { return sock.InetAddr{AddrPort: netip.MustParseAddrPort(s)} }

func sent(n int, to string, data string) *sock.Call {
	return &sock.Call{Name: "sendmmsg", FD: 3, CopyOf: -1, Result: n, Batch: 1, Messages: []sock.Message{
		{Addr: inet(to), AddrLen: 16, Vectors: []sock.Vector{{Data: []byte(data), Size: len(data), Room: len(data)}}, Pieces: 1, Moved: len(data)}}}
}

func received(from string, data string, flags sock.Flags) *sock.Call {
	c := sent(1, from, data)
	c.Name, c.Flags = "recvmmsg", sock.DONTWAIT
	c.Messages[0].AddrRoom, c.Messages[0].Flags = 128, flags
	return c
}

func failed(name string, errno syscall.Errno, flags sock.Flags) *sock.Call {
	return &sock.Call{Name: name, FD: 3, CopyOf: -1, Result: -1, Errno: errno, Flags: flags, Batch: 32}
}

// The story of one exchange, as a newcomer reads it, in both languages.
func TestStory(t *testing.T) {
	opened := &sock.Call{Name: "socket", FD: -1, CopyOf: -1, Result: 3, Family: sock.INET, Type: sock.DGRAM, CloseOnExec: true, Nonblocking: true}
	bound := &sock.Call{Name: "bind", FD: 3, CopyOf: -1, Addr: inet("0.0.0.0:0"), AddrLen: 16}
	named := &sock.Call{Name: "getsockname", FD: 3, CopyOf: -1, Addr: inet("0.0.0.0:57445"), AddrLen: 16, AddrRoom: 128}
	buffer := &sock.Call{Name: "setsockopt", FD: 3, CopyOf: -1, Option: sock.SORcvBuf, Value: []byte{0, 0, 64, 0}, ValueRoom: 4}
	for _, c := range []struct {
		call   *sock.Call
		line   string
		en, zh []string
	}{
		{opened, "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3",
			[]string{"number 3", "IPv4", "datagrams", "UDP", "a child process will not inherit it"}, []string{"IPv4", "数据报", "UDP", "子进程不会继承它"}},
		{buffer, "setsockopt(3, SOL_SOCKET, SO_RCVBUF, [4194304], 4) = 0", []string{"4,194,304 bytes"}, []string{"4,194,304 字节"}},
		{bound, `bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0`,
			[]string{"0.0.0.0:0", "wildcard: every IPv4 address", "the kernel is to choose"}, []string{"通配地址", "由内核挑"}},
		{named, `getsockname(3, {sa_family=AF_INET, sin_port=htons(57445), sin_addr=inet_addr("0.0.0.0")}, [128 => 16]) = 0`,
			[]string{"the kernel has chosen port 57445"}, []string{"端口 57445 是内核选的"}},
		{sent(1, "192.168.3.8:12345", "hello"), `sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(12345), sin_addr=inet_addr("192.168.3.8")}, msg_namelen=16, ` +
			`msg_iov=[{iov_base="hello", iov_len=5}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=5}], 1, 0) = 1`,
			[]string{`"hello", a datagram of 5 bytes, to 192.168.3.8:12345`}, []string{`向 192.168.3.8:12345 发送数据报 "hello"（5 字节）`}},
		{failed("recvmmsg", syscall.EAGAIN, sock.DONTWAIT), "", []string{"nothing there: wait until there is"}, []string{"等到有为止"}},
		{failed("recvmmsg", syscall.ECONNREFUSED, sock.DONTWAIT), "", []string{"an ICMP port-unreachable came back: nothing listens there"}, []string{"那里没有程序在监听"}},
		{failed("recvmmsg", 250, sock.DONTWAIT), "", []string{"errno 250", "the kernel says"}, []string{"内核的说法"}},
		{received("192.168.3.8:12345", "", 0), "", []string{"an empty datagram"}, []string{"空数据报"}},
		{received("192.168.3.8:12345", "HEL", sock.TRUNC), "", []string{"longer than the buffer of 3 bytes"}, []string{"尾部已丢失"}},
		{received("192.168.3.8:12345", "\x1b[2J\u202e", 0), "", []string{`\x1b[2J\u202e`}, []string{`\x1b[2J\u202e`}},
		{&sock.Call{Name: "close", FD: 3, CopyOf: -1}, "close(3) = 0", []string{"closes the socket"}, []string{"关闭套接字"}},
	} {
		if got := Line(c.call); c.line != "" && got != c.line {
			t.Errorf("got  %s\nwant %s", got, c.line)
		}
		for l, want := range map[Language][]string{English: c.en, Chinese: c.zh} {
			e := New(l)
			e.Explain(bound) // port 0
			got := e.Explain(c.call)
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%s is explained as %q, without %q", Line(c.call), got, w)
				}
			}
		}
	}
}

// A socket that blocks has another number from then on.
func TestSecondNumber(t *testing.T) {
	e := New(English)
	e.Explain(&sock.Call{Name: "socket", FD: -1, Result: 5, Family: sock.INET, Type: sock.DGRAM, CopyOf: -1})
	turn := make([]byte, 16)
	turn[8], turn[9] = 0x50, 0xc3 // 50,000 µs
	copied := &sock.Call{Name: "setsockopt", FD: 8, CopyOf: 5, Option: sock.SORcvTimeo, Value: turn, ValueRoom: 16}
	if got := e.Explain(copied); !strings.Contains(got, "8 is a second number for socket 5") || !strings.Contains(got, "50 ms") {
		t.Error(got)
	}
	if got := e.Explain(&sock.Call{Name: "close", FD: 5, CopyOf: -1}); !strings.Contains(got, "goes on as 8") {
		t.Error(got)
	}
	waited := failed("recvmmsg", syscall.EAGAIN, sock.WAITFORONE)
	waited.FD = 8
	if got := e.Explain(waited); !strings.Contains(got, "50 ms went by") {
		t.Error(got)
	}
}

// What is quoted is printable ASCII, and the bytes can be had back.
func FuzzQuote(f *testing.F) {
	f.Add([]byte("hello\x001\n\"\\\x7f\xff8"))
	f.Add([]byte{0, '7', 0, 'x', 8, 0o10, '8'})
	f.Fuzz(func(t *testing.T, b []byte) {
		text := quote(b, len(b))
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q has a byte that is not printable", text)
			}
		}
		body, cut := strings.CutSuffix(text, "...")
		if cut != (len(b) > sock.TracedBytes) {
			t.Fatalf("%q is of %d bytes", text, len(b))
		}
		if got := unquote(t, body[1:len(body)-1]); got != string(b[:min(len(b), sock.TracedBytes)]) {
			t.Fatalf("%q is quoted as %s, which is %q", b, text, got)
		}
	})
}

// unquote reads C's escapes (C11, Section 6.4.4.4).
func unquote(t *testing.T, s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		if at := strings.IndexByte(`"\tnvfr`, s[i]); at >= 0 {
			out = append(out, "\"\\\t\n\v\f\r"[at])
			continue
		}
		n, digits := 0, 0
		for ; digits < 3 && i+digits < len(s) && '0' <= s[i+digits] && s[i+digits] <= '7'; digits++ {
			n = n*8 + int(s[i+digits]-'0')
		}
		if digits == 0 {
			t.Fatalf("%s has an unknown escape", s)
		}
		out = append(out, byte(n))
		i += digits - 1
	}
	return string(out)
}
