package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/ledger"
	"dgram/sock"
)

// TestExplainTellsTheTruth runs dgram under strace and compares each call on a socket that strace saw with what --explain told, to the byte:
// names, descriptors, addresses, options and their values, payloads, control messages, flags, results.
func TestExplainTellsTheTruth(t *testing.T) {
	testnet.NotUnderRace(t, "it compares words with what strace sees")
	testnet.Need(t, "strace")
	mute, nobody, upper := bind(t).LocalAddr().String(), closedPort(t), upperServer(t)
	upper6, upperUnix := upperAt(t, "udp6", "[::1]:0"), "unixgram:"+upperAt(t, "unixgram", filepath.Join(t.TempDir(), "u.sock"))
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  []string // calls that there must be
	}{
		{"answered", []string{"call", upper, "hello"}, "", []string{`"HELLO", iov_len=65535`, "IP_PKTINFO", "getsockname"}},
		{"octets", []string{"call", upper, "--input", "hex", "00 01 31 0a 09 22 5c 7f ff 38 e4bda0"}, "", []string{`\0\0011\n\t\"\\\177\3778\344\275\240`}},
		{"long payload", []string{"call", upper, strings.Repeat("x", 33)}, "", []string{`xx"..., 33, MSG_DONTWAIT`}},
		{"empty", []string{"call", upper, ""}, "", []string{`"", 0, MSG_DONTWAIT`}},
		{"refused", []string{"call", nobody, "hello"}, "", []string{"MSG_ERRQUEUE", "ee_errno=111"}},
		{"silent", []string{"call", mute, "hello", "--timeout", "50ms", "--tries", "2"}, "", []string{"EAGAIN"}},
		{"fresh", []string{"call", mute, "hello", "--timeout", "50ms", "--tries", "2", "--fresh"}, "", []string{"EAGAIN"}},
		{"IPv6", []string{"call", upper6, "hello"}, "", []string{"sin6_port", "IPV6_RECVPKTINFO"}},
		{"unix", []string{"call", upperUnix, "hello"}, "", []string{`sun_path=@"`, `sun_path="/`}},
		{"window", []string{"call", upper, "--window", "6"}, "1\n2\n3\n4\n5\n6\n", []string{`"6"`}},
		{"truncated", []string{"call", upper, "hello", "--buffer", "3"}, "", []string{"MSG_TRUNC"}},
		{"options", []string{"call", upper, "hello", "--bind", "127.0.0.1", "--ttl", "5", "--tos", "16", "--df", "--interface", "lo"}, "",
			[]string{"IP_TTL, [5]", "IP_TOS, [16]", "IP_MTU_DISCOVER", `SO_BINDTODEVICE, "lo", 2`, "IP_MULTICAST_IF"}},
		{"broadcast without leave", []string{"call", "127.255.255.255:9", "hello"}, "", []string{"EACCES"}},
		{"too big for the path", []string{"call", upper6, "--df", "--input", "file", "-"}, strings.Repeat("y", 65500), []string{"EMSGSIZE"}},
		{"bench", []string{"bench", upper, "--duration", "10ms", "--warmup", "0", "--flows", "2", "--window", "3"}, "", []string{"connect(", "SO_TIMESTAMPNS", "AF_NETLINK"}},
		{"bench one flow", []string{"bench", upper, "--duration", "10ms", "--warmup", "0", "--clock", "user"}, "", []string{"recvfrom(", "sendto("}},
		{"bench wide", []string{"bench", upper, "--duration", "10ms", "--warmup", "0", "--window", "40"}, "", []string{`}, ...], 40, MSG_DONTWAIT|MSG_NOSIGNAL) = 40`}},
		{"bench offload", []string{"bench", upper, "--duration", "10ms", "--warmup", "0", "--window", "70", "--gso", "--gro"}, "", []string{"cmsg_type=UDP_SEGMENT"}},
		{"bench strangers", []string{"bench", upper, "--duration", "10ms", "--warmup", "0", "--stray"}, "", []string{"recvmsg(", "msg_namelen=128 => 16"}},
		{"bench refused", []string{"bench", nobody, "--duration", "10ms", "--warmup", "0"}, "", []string{"ECONNREFUSED"}},
		{"address in use", []string{"serve", mute}, "", []string{"EADDRINUSE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// On a busy machine a short load may be over before anything is sent: it is given longer then, which is more to compare.
			var missing []string
			for load := 10 * time.Millisecond; load < 3*time.Second; load *= 4 {
				args := slices.Clone(c.args)
				if i := slices.Index(args, "10ms"); i >= 0 {
					args[i] = load.String()
				}
				run := traced(t, args, c.stdin)
				run.start(t)
				run.compare(t)
				if missing = run.missing(c.want); len(missing) == 0 {
					return
				}
			}
			t.Errorf("no call has %q", missing)
		})
	}
}

// A server's receives block, several datagrams come in one call, and the process ends by itself.
func TestExplainTellsTheTruthOfServers(t *testing.T) {
	testnet.NotUnderRace(t, "it compares words with what strace sees")
	testnet.Need(t, "strace")
	for _, c := range []struct {
		name, at string
		args     []string
		want     []string
	}{
		{"loopback", "127.0.0.1:0", nil, []string{"SO_RCVTIMEO"}},
		{"wildcard", "0.0.0.0:0", nil, []string{"cmsg_type=IP_PKTINFO", "ipi_spec_dst"}},
		{"wildcard of both", "[::]:0", nil, []string{"IPV6_V6ONLY, [0]", "cmsg_type=IPV6_PKTINFO"}},
		{"shards", "127.0.0.1:0", []string{"--shards", "2"}, []string{"SO_REUSEPORT"}},
		{"group", "0.0.0.0:0", []string{"--join", "239.1.2.3", "--interface", "lo"}, []string{"IP_ADD_MEMBERSHIP", "SO_BINDTODEVICE"}},
		{"unix", "unixgram:" + filepath.Join(t.TempDir(), "s.sock"), nil, []string{"sun_path="}},
		{"poller", "127.0.0.1:0", []string{"--stage", "delay:1ms", "--stage", "upper"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			const datagrams = 12
			run := traced(t, append([]string{"serve", c.at, "--count", fmt.Sprint(datagrams)}, c.args...), "")
			run.ready = func(address string) { sendAll(t, address, datagrams) }
			run.start(t)
			run.compare(t)
			if missing := run.missing(append(c.want, "HELLO", "close(")); len(missing) > 0 {
				t.Errorf("no call has %q; stderr: %s", missing, run.out.String())
			}
		})
	}
}

// What makes a capture, and what is asked about the sockets of this kernel and of other processes.
func TestExplainTellsTheTruthOfWatchers(t *testing.T) {
	testnet.NotUnderRace(t, "it compares words with what strace sees")
	testnet.Need(t, "strace")
	target := bind(t).LocalAddr().(*net.UDPAddr)
	port, pid := fmt.Sprint(target.Port), socketsOfAllKinds(t)
	for _, c := range []struct {
		name   string
		args   []string
		needed bool // of the right to capture, or to ask about other processes
		want   []string
	}{
		{"sockets", []string{"sockets"}, false, []string{"AF_UNIX, SOCK_SEQPACKET", "AF_INET6, SOCK_DGRAM", "ESOCKTNOSUPPORT", "AF_PACKET, SOCK_RAW", "SO_PROTOCOL, [6]"}},
		{"sockets of a process", []string{"sockets", pid}, true, []string{"SO_ACCEPTCONN, [1]", "ENOTCONN", `sun_path=@"`, `SO_BINDTODEVICE, "lo`, "IPV6_V6ONLY", "AF_PACKET"}},
		{"capture", []string{"watch", "lo", "udp port " + port, "--count", "1"}, true,
			[]string{"AF_PACKET", "PACKET_RX_RING", "SO_ATTACH_FILTER", `sll_ifindex=if_nametoindex("lo")`, "PACKET_STATISTICS", "close("}},
		{"promiscuous", []string{"watch", "lo", "udp port " + port, "--count", "1", "--promiscuous"}, true, []string{"PACKET_MR_PROMISC"}},
		{"every interface", []string{"watch", "udp port " + port, "--count", "1", "--quiet"}, true, []string{"sll_ifindex=0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.needed {
				testnet.Need(t, testnet.Namespaces) // whoever may do the one may do the other
			}
			stop := sendUntil(t, target)
			defer stop()
			run := traced(t, c.args, "")
			run.start(t)
			run.compare(t)
			if missing := run.missing(c.want); len(missing) > 0 {
				t.Errorf("no call has %q; stderr: %s", missing, run.out.String())
			}
		})
	}
	t.Run("refused capture", func(t *testing.T) {
		run := traced(t, []string{"watch", "lo"}, "")
		if os.Geteuid() == 0 {
			testnet.Need(t, "setpriv")
			at := slices.Index(run.cmd.Args, "--")
			run.cmd.Args = slices.Insert(run.cmd.Args, at+1, "setpriv", "--bounding-set", "-net_raw")
		}
		run.start(t)
		run.compare(t)
		if missing := run.missing([]string{"AF_PACKET", "EPERM"}); len(missing) > 0 {
			t.Errorf("no call has %q; stderr: %s", missing, run.out.String())
		}
	})
}

// socketsOfAllKinds opens some in this process, and returns its number.
func socketsOfAllKinds(t *testing.T) string {
	for _, open := range []struct {
		family sock.Family
		kind   sock.Type
		at     sock.Addr
	}{
		{sock.INET, sock.DGRAM, sock.InetAddr{AddrPort: netip.MustParseAddrPort("127.0.0.1:0")}},
		{sock.INET6, sock.DGRAM, sock.InetAddr{AddrPort: netip.MustParseAddrPort("[::1]:0")}},
		{sock.INET6, sock.STREAM, sock.InetAddr{AddrPort: netip.MustParseAddrPort("[::1]:0")}},
		{sock.UNIX, sock.DGRAM, sock.UnixAddr{}},
		{sock.PACKET, sock.DGRAM, sock.PacketAddr{Interface: "lo", Proto: 0x88b5}}, // an Ethernet type for experiments
	} {
		s, err := sock.New(open.family, open.kind, 0)
		if errors.Is(err, os.ErrPermission) {
			continue
		}
		if err == nil {
			t.Cleanup(func() { _ = s.Close() })
			err = s.Bind(open.at)
		}
		if err == nil && open.kind == sock.STREAM {
			err = s.Listen(1)
		}
		if err == nil && open.family == sock.INET {
			_ = s.SetBytes(sock.SOBindToDevice, []byte("lo"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprint(os.Getpid())
}

// sendUntil sends a datagram now and then, until it is stopped: nobody tells when a capture has begun.
func sendUntil(t *testing.T, to *net.UDPAddr) (stop func()) {
	conn, err := net.DialUDP("udp4", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-enough:
				tick.Stop()
				return
			case <-tick.C:
				_, _ = conn.Write([]byte("hello"))
			}
		}
	}()
	return func() {
		close(enough)
		<-done
		_ = conn.Close()
	}
}

// Where lines would tear the screen apart, --explain says what to do.
func TestExplainAndTheScreen(t *testing.T) {
	x, cmd := watching(t, 100, 30, "lo", "--explain")
	x.AwaitText("add --plain")
	var left *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &left) || left.ExitCode() != exitError {
		t.Errorf("it ended with %v", err)
	}
}

// A capture file takes no socket: it is said so, in both languages.
func TestExplainOfAFile(t *testing.T) {
	for language, want := range map[string]string{"en": "without a socket", "zh": "不需要套接字"} {
		out, err := exec.Command(self(t), "watch", captureFile(t), "--plain", "--explain", "--lang", language).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// upperAt answers in upper case at an address of package net's.
func upperAt(t *testing.T, network, address string) string {
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 65535); ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(upper(buffer[:n]), from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String()
}

// sendAll sends to a server that is ready, all at once, and waits for the answers.
func sendAll(t *testing.T, url string, n int) {
	network, address, _ := strings.Cut(url, "://")
	local := net.Addr(nil)
	if network == "unixgram" {
		local = &net.UnixAddr{Name: filepath.Join(t.TempDir(), "c.sock"), Net: network}
	} else {
		_, port, _ := net.SplitHostPort(address)
		network, address = "udp4", net.JoinHostPort("127.0.0.1", port)
	}
	conn, err := (&net.Dialer{LocalAddr: local}).Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range n {
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for range n {
		if _, err := conn.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
	}
}

// tracedRun is one run of the program under strace.
type tracedRun struct {
	cmd    *exec.Cmd
	trace  string // strace's file
	out    bytes.Buffer
	ready  func(address string)
	events []ledger.CallEvent
}

func traced(t *testing.T, args []string, stdin string) *tracedRun {
	r := &tracedRun{trace: filepath.Join(t.TempDir(), "strace")}
	// Only sockets count: strace is to see every close, and the comparison knows which are theirs.
	args = append([]string{"-f", "-qq", "-o", r.trace, "-e", "trace=%network,close", "-e", "signal=none", "--", self(t)}, append(args, "--explain", "--json")...)
	r.cmd = exec.Command("strace", args...)
	r.cmd.Stdin = strings.NewReader(stdin)
	r.cmd.Env = append(os.Environ(), "LC_ALL=C")
	return r
}

// start runs the program to its end, and reads the events.
func (r *tracedRun) start(t *testing.T) {
	t.Helper()
	pipe, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = &r.out
	start(t, r.cmd)
	stop := time.AfterFunc(30*time.Second, func() { _ = r.cmd.Process.Kill() })
	defer stop.Stop()
	decoder := json.NewDecoder(pipe)
	for {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			break
		}
		r.take(t, line)
	}
	_ = r.cmd.Wait() // with the code of the verb
	for line := range bytes.Lines(r.out.Bytes()) {
		if bytes.HasPrefix(line, []byte("{")) {
			r.take(t, line)
		}
	}
}

func (r *tracedRun) take(t *testing.T, line []byte) {
	t.Helper()
	var head struct {
		Type      ledger.Type
		Addresses []string
	}
	if err := json.Unmarshal(line, &head); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	switch head.Type {
	case ledger.TypeCall:
		var e ledger.CallEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		r.events = append(r.events, e)
	case ledger.TypeReady:
		if r.ready != nil {
			go r.ready(head.Addresses[0])
		}
	}
}

// missing returns those of the texts that no call has.
func (r *tracedRun) missing(want []string) (missing []string) {
	for _, w := range want {
		if !slices.ContainsFunc(r.events, func(e ledger.CallEvent) bool { return strings.Contains(e.Call, w) }) {
			missing = append(missing, w)
		}
	}
	return missing
}

// compare holds the two against each other.
func (r *tracedRun) compare(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(r.trace)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range r.events {
		if e.Omitted > 0 {
			t.Fatalf("%d calls were left out", e.Omitted)
		}
		if e.Explanation == "" || strings.ContainsAny(e.Explanation, "{}") || strings.Contains(e.Explanation, "without an explanation") ||
			strings.Contains(e.Explanation, "the kernel says:") {
			t.Errorf("%s is explained as %q", e.Call, e.Explanation)
		}
		for _, part := range partsOf(&e) {
			if !strings.Contains(e.Call, part) {
				t.Errorf("%s: the fields of its event say %s", e.Call, part)
			}
		}
		told = append(told, e.Call)
	}
	saw, tells := bySocket(straceCalls(string(text))), bySocket(told)
	for key := range tells {
		if _, ok := saw[key]; !ok {
			t.Errorf("%s: told, but strace saw none:\n%s", key, strings.Join(tells[key], "\n"))
		}
	}
	for key, calls := range saw {
		if !slices.Equal(calls, tells[key]) {
			t.Errorf("%s differs at %s", key, firstDifference(calls, tells[key]))
		}
	}
}

// partsOf writes the fields of an event as they must stand in its line, which strace has confirmed.
func partsOf(e *ledger.CallEvent) []string {
	parts := []string{e.Name + "(", fmt.Sprintf(" = %d", e.Result), e.Family, e.SocketType, e.Protocol, e.Level, e.Option, e.Value, e.Flags}
	if e.FD >= 0 {
		parts = append(parts, fmt.Sprintf("%s(%d", e.Name, e.FD))
	}
	if e.Errno != "" {
		parts = append(parts, " = -1 "+e.Errno+" (")
	}
	addresses := []string{e.Address}
	for i, m := range e.Messages {
		addresses = append(addresses, m.Address)
		if m.Size >= 0 && strings.HasSuffix(e.Name, "mmsg") {
			parts = append(parts, fmt.Sprintf("msg_len=%d", m.Size))
		}
		if len(m.Payload) > 0 && i == 0 && len(m.Payload) == m.Size && isWord(m.Payload) && !slices.Contains(m.Control, "UDP_SEGMENT") {
			parts = append(parts, `"`+string(m.Payload)+`"`)
		}
		parts = append(append(parts, m.Flags), m.Control...)
	}
	for _, a := range addresses {
		if at, err := netip.ParseAddrPort(a); err == nil {
			parts = append(parts, fmt.Sprintf("htons(%d)", at.Port()), `"`+at.Addr().WithZone("").String()+`"`)
		}
	}
	return parts
}

func isWord(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'z' || c == '\\' {
			return false
		}
	}
	return true
}

func firstDifference(saw, told []string) string {
	at := func(s []string, i int) string {
		if i < len(s) {
			return s[i]
		}
		return "nothing"
	}
	for i := range max(len(saw), len(told)) {
		if at(saw, i) != at(told, i) {
			return fmt.Sprintf("call %d of %d:\nstrace  %s\nexplain %s", i+1, len(saw), at(saw, i), at(told, i))
		}
	}
	return "nothing"
}

var callStart = regexp.MustCompile(`^(\w+)\((-?\d+)?`)

// bySocket gathers calls under descriptor and direction: those have an order. Two threads may receive and send at the same time.
func bySocket(calls []string) map[string][]string {
	type life struct {
		skip  bool
		calls []string
	}
	lives, all := map[string]*life{}, []*life{}
	at := func(fd string) *life {
		if lives[fd] == nil {
			lives[fd] = &life{}
			all = append(all, lives[fd])
		}
		return lives[fd]
	}
	for _, call := range calls {
		m := callStart.FindStringSubmatch(call)
		name, fd := m[1], m[2]
		if name == "socket" {
			_, fd, _ = strings.Cut(call, " = ")
			delete(lives, fd)
		}
		if name == "close" && lives[fd] == nil {
			continue // no socket
		}
		l := at(fd)
		// Package net has sockets of its own, which nobody can tell of. It asks for their addresses in a structure of its own, of 112 bytes.
		l.skip = l.skip || strings.Contains(call, "[112 =>")
		l.calls = append(l.calls, fd+" "+classOf(name)+"\x00"+normal(call))
		if name == "close" {
			delete(lives, fd)
		}
	}
	groups := map[string][]string{}
	for _, l := range all {
		for _, call := range l.calls {
			if key, text, _ := strings.Cut(call, "\x00"); !l.skip {
				groups[key] = append(groups[key], text)
			}
		}
	}
	return groups
}

func classOf(name string) string {
	switch {
	case strings.HasPrefix(name, "recv"):
		return "receiving"
	case strings.HasPrefix(name, "send"):
		return "sending"
	}
	return name
}

var (
	unfinished = regexp.MustCompile(`^(\d+) +(.*) <unfinished \.\.\.>$`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
	finished   = regexp.MustCompile(`^(\d+) +(\w+\(.*)$`)
)

// straceCalls puts the calls together that strace shows in two halves, and gives all in the order in which they returned.
func straceCalls(text string) (calls []string) {
	half := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		call := ""
		if m := unfinished.FindStringSubmatch(line); m != nil {
			half[m[1]] = m[2]
			continue
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			call = half[m[1]] + m[2]
		} else if m := finished.FindStringSubmatch(line); m != nil {
			call = m[2]
		}
		// "= ?" is a call that did not return: the process ended, or the kernel made it again by itself.
		if call != "" && !strings.Contains(call, " = ?") {
			calls = append(calls, call)
		}
	}
	return calls
}

// normal takes away what versions of strace write differently, and addresses in memory.
func normal(call string) string {
	for _, r := range normalRules {
		call = r.is.ReplaceAllString(call, r.be)
	}
	return call
}

var normalRules = []struct {
	is *regexp.Regexp
	be string
}{
	{regexp.MustCompile(` +(= -?\d+[^=]*)$`), ` $1`},
	{regexp.MustCompile(`, 0x[0-9a-f]{6,}, `), `, [], `},
	{regexp.MustCompile(`(SO_\w+)_OLD\b`), `$1`},
	{regexp.MustCompile(`(SO_RCVTIMEO), (?:\{.*?\}|".*?"(?:\.\.\.)?), 16`), `$1, TIME, 16`},
	{regexp.MustCompile(`cmsg_type=(?:IPV6_PKTINFO|0x32)(?:, cmsg_data=\{[^{}]*\})?`), `cmsg_type=IPV6_PKTINFO`},
	{regexp.MustCompile(`cmsg_type=(?:IPV6_RECVERR|0x19)(?:, cmsg_data=\{[^{}]*(?:\{[^{}]*\})?\})?`), `cmsg_type=IPV6_RECVERR`},
	{regexp.MustCompile(`imr_(?:interface|address)=(inet_addr\("[0-9.]+"\))(?:, imr_ifindex=\w+(?:\("\w+"\))?)?\}`), `imr_interface=$1}`},
	{regexp.MustCompile(`cmsg_type=(?:UDP_SEGMENT|0x67)(?:, cmsg_data=\[\d+\])?`), `cmsg_type=UDP_SEGMENT`},
	{regexp.MustCompile(`cmsg_type=(?:UDP_GRO|0x68)(?:, cmsg_data=\[\d+\])?`), `cmsg_type=UDP_GRO`},
	// strace takes apart what is said to the kernel.
	{regexp.MustCompile(`sendto\((\d+), .*, (\d+), 0, \{sa_family=AF_NETLINK`), `sendto($1, QUESTION, $2, 0, {sa_family=AF_NETLINK`},
	{regexp.MustCompile(`recvfrom\((\d+), .*, 65536, 0, NULL, NULL`), `recvfrom($1, ANSWER, 65536, 0, NULL, NULL`},
	{regexp.MustCompile(` /\* ETH_P_\?\?\? \*/`), ``},
	{regexp.MustCompile(`(mr_alen=0), mr_address=[0-9a-f:]*\}`), `$1}`},
	{regexp.MustCompile(`filter=0x[0-9a-f]+\}`), `filter=[]}`},
	{regexp.MustCompile(`PACKET_RX_RING, \{.*\}, 28`), `PACKET_RX_RING, [], 28`},
	// strace takes an address of a device apart only where it has room for 8 bytes.
	{regexp.MustCompile(`\{sa_family=AF_PACKET, [^{}]*\}, \[128`), `{sa_family=AF_PACKET}, [128`},
	{regexp.MustCompile(`\[AF_PACKET\]`), `[17]`}, {regexp.MustCompile(`\[AF_NETLINK\]`), `[16]`}, {regexp.MustCompile(`\[IPPROTO_TCP\]`), `[6]`},
	{regexp.MustCompile(`\[SOCK_STREAM\]`), `[1]`}, {regexp.MustCompile(`\[SOCK_RAW\]`), `[3]`}, {regexp.MustCompile(`\[SOCK_SEQPACKET\]`), `[5]`}, {regexp.MustCompile(`\[SOCK_PACKET\]`), `[10]`},
	{regexp.MustCompile(`\[AF_INET\]`), `[2]`}, {regexp.MustCompile(`\[AF_INET6\]`), `[10]`}, {regexp.MustCompile(`\[AF_UNIX\]`), `[1]`},
	{regexp.MustCompile(`\[SOCK_DGRAM\]`), `[2]`}, {regexp.MustCompile(`\[IPPROTO_UDP\]`), `[17]`},
}
