package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dgram"
	"dgram/dgramtest"
	"dgram/internal/testnet"
	"dgram/ledger"
	"pgregory.net/rapid"
)

// quick makes silence short.
var quick = []string{"--timeout", "20ms", "--tries", "2"}

func TestCallExitCodes(t *testing.T) {
	server, silent, closed := upperServer(t), silentServer(t), closedPort(t)
	asked, stranger := strangerServer(t)
	big := strings.Repeat("x", dgram.MaxPayload+1)
	for _, c := range []struct {
		name  string
		args  []string
		code  int
		out   string
		words []string
	}{
		{"answered", []string{server, "hello", "there"}, 0, "HELLO THERE\n", nil},
		{"silent", []string{silent, "hello"}, 2, "", []string{"no answer from " + silent + " after 2 tries in ", " ms: is a server running there? start one with `dgram serve " + silent}},
		{"refused", []string{closed, "hello"}, 3, "", []string{"nothing listens on " + closed, "`dgram serve " + closed}},
		{"stranger", []string{asked, "hello"}, 4, "", []string{asked + " did not answer", stranger + ", which was not asked, did"}},
		{"too big", []string{server, big}, 5, "", []string{"too big: 65508 bytes; a datagram over IPv4 holds at most 65507"}},
		{"no such flag", []string{server, "hello", "--timout", "2s"}, 1, "", []string{"did you mean --timeout?"}},
		{"no such host", []string{"no-such-host.invalid:1", "hello"}, 1, "", []string{"no-such-host.invalid"}},
		{"a bare word", []string{"no-such-host-here"}, 1, "", []string{`no host is called "no-such-host-here"`, "type: dgram call : no-such-host-here"}},
		{"a sentence", []string{"hello world", "it's me"}, 1, "", []string{`type: dgram call : 'hello world' 'it'\''s me'`}},
		{"port out of range", []string{"127.0.0.1:65536", "hello"}, 1, "", []string{"a port is a number from 0 to 65535"}},
		{"port 0", []string{"127.0.0.1:0", "hello"}, 1, "", []string{"nobody can be called on port 0"}},
		{"not our address", []string{server, "hello", "--bind", "192.0.2.1"}, 1, "", []string{"no interface of this machine has the address"}},
		{"a port in use", []string{server, "hello", "--bind", silent}, 1, "", []string{"another socket has the address"}},
		{"a subnet's broadcast by mistake", []string{"127.255.255.255:9", "hello"}, 1, "", []string{"then say --broadcast"}},
		{"families", []string{server, "hello", "--bind", "::1"}, 1, "", []string{"one is IPv4, the other IPv6"}},
		{"a name to bind", []string{server, "hello", "--bind", "localhost"}, 1, "", []string{"give the address itself, not a name"}},
		{"no such zone", []string{"[fe80::1%nowhere0]:9", "hello"}, 1, "", []string{`there is no interface "nowhere0"`}},
		{"no such zone, portably", []string{"[fe80::1%nowhere0]:9", "hello", "--portable"}, 1, "", []string{`there is no interface "nowhere0"`}},
		{"no such interface", []string{server, "hello", "--interface", "nowhere0"}, 1, "", []string{"nowhere0"}},
		{"a group by mistake", []string{"239.1.2.3:9", "hello"}, 1, "", []string{"say --multicast"}},
		{"no group", []string{server, "hello", "--multicast"}, 1, "", []string{"is no multicast group"}},
		{"everybody by mistake", []string{"255.255.255.255:9", "hello"}, 1, "", []string{"say --broadcast"}},
		{"no tries", []string{server, "hello", "--tries", "0"}, 1, "", []string{"give a number from 1 to 1000"}},
		{"no time", []string{server, "hello", "--timeout", "0s"}, 1, "", []string{"lengths of time"}},
		{"a number is no time", []string{server, "hello", "--timeout", "5"}, 1, "", []string{"500ms"}},
		{"kind of output", []string{server, "hello", "--output", "xml"}, 1, "", []string{"text, hex or json"}},
		{"raw json", []string{server, "hello", "--raw", "--json"}, 1, "", []string{"exclude each other"}},
		{"json in hex", []string{server, "hello", "--json", "--output", "hex"}, 1, "", []string{"--json and --output hex exclude each other"}},
		{"endless lines", []string{server, "--count", "0"}, 1, "", []string{"--count repeats a message"}},
		{"endless nothing", []string{server, "--input", "file", "no-such-file", "--count", "0"}, 1, "", []string{"no-such-file"}},
		{"count of lines", []string{server, "--count", "2"}, 1, "", []string{"--count repeats a message"}},
		{"no hex", []string{server, "--input", "hex", "4g"}, 1, "", []string{"'g' is no hex digit"}},
		{"half a byte", []string{server, "--input", "hex", "4", "4", "4"}, 1, "", []string{"3 hex digits are no whole bytes"}},
		{"no file", []string{server, "--input", "file", "no-such-file"}, 1, "", []string{"no-such-file"}},
		{"quiet", []string{silent, "hello", "--quiet"}, 2, "", nil},
		{"a unix socket that is not there", []string{"unixgram:///no/such.sock", "hello"}, 3, "", []string{"/no/such.sock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "a unix socket that is not there" && !hasUnix() {
				t.Skip("this system has no unixgram")
			}
			runCall(t, "", append(quick[:len(quick):len(quick)], c.args...)...).want(t, c.code, c.out, c.words...)
		})
	}
}

func hasUnix() bool {
	conn, err := dgram.ListenEndpoint(dgram.UnixEndpoint(""), dgram.Options{})
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Of several datagrams the worst decides: 1, 5, 3, 4, 2, 0. One server gives each line the fate that the line asks for.
func TestCallWorstWins(t *testing.T) {
	other := bind(t)
	conn := bind(t)
	server := misbehave(t, conn, func(request []byte, from net.Addr) {
		switch string(request) {
		case "answer":
			_, _ = conn.WriteTo([]byte("ANSWER"), from)
		case "stranger":
			_, _ = other.WriteTo([]byte("ANSWER"), from)
		}
	})
	lines := map[int]string{0: "answer", 2: "silent", 4: "stranger", 5: strings.Repeat("x", 70000)}
	for _, c := range []struct{ codes, want []int }{
		{[]int{0, 0}, []int{0}}, {[]int{0, 2, 0}, []int{2}}, {[]int{4, 2, 0}, []int{4}}, {[]int{2, 4}, []int{4}}, {[]int{5, 4, 2}, []int{5}}, {[]int{0, 5}, []int{5}},
	} {
		var stdin string
		for _, code := range c.codes {
			stdin += lines[code] + "\n"
		}
		got := runCall(t, stdin, append(quick[:len(quick):len(quick)], server)...)
		if got.code != c.want[0] || strings.Count(got.out, "\n") != len(c.codes) {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", c.codes, got.code, got.out, got.err)
		}
	}
	var o outcomes
	for i := len(severity) - 1; i >= 0; i-- {
		o.worst = max(o.worst, len(severity)-1-i)
		if o.code() != severity[i] {
			t.Errorf("worst %d is exit code %d, want %d", o.worst, o.code(), severity[i])
		}
	}
}

func TestCallLines(t *testing.T) {
	server := upperServer(t)
	long := strings.Repeat("x", dgram.MaxPayload)
	for _, c := range []struct{ name, in, out string }{
		{"nothing", "", ""},
		{"LF and CRLF", "a\nb\r\nc\n", "A\nB\nC\n"},
		{"the last line without LF", "a\nb", "A\nB\n"},
		{"empty lines are empty datagrams", "\n\r\na\n\n", "\n\nA\n\n"},
		{"one CR goes, no more", "a\r\r\nb\rc\n\r", "A\r\nB\rC\n\r\n"},
		{"Chinese, and no UTF-8", "你好 straße\n\xff\xfe a\x00b\n", "你好 STRAßE\n\xff\xfe A\x00B\n"},
		{"the largest", long + "\nb\n", strings.ToUpper(long) + "\nB\n"},
		{"the largest, CRLF", long + "\r\nb\n", strings.ToUpper(long) + "\nB\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runCall(t, c.in, server).want(t, 0, c.out)
			runCall(t, c.in, server, "--window", "8").want(t, 0, c.out)
		})
	}
}

func TestCallTooLongLinesDoNotStopTheStream(t *testing.T) {
	server := upperServer(t)
	for _, size := range []int{dgram.MaxPayload + 1, 65535, 65536, 65537, 65538, 1 << 20} {
		for _, end := range []string{"\n", "\r\n"} {
			runCall(t, "a"+end+strings.Repeat("x", size)+end+"b"+end, server).want(t, exitTooBig, "A\n\nB\n", fmt.Sprintf("line 2: too big: %d bytes", size), "2 answered, 1 too big")
		}
	}
	runCall(t, "a\nzz\n62\n", server, "--input", "hex").want(t, exitError, "\n\nB\n", "line 1: 1 hex digits", "line 2: 'z' is no hex digit")
}

// Whatever the lines are, each is answered by the line that bytes.upper makes of it.
func TestCallLinesProperty(t *testing.T) {
	server := upperServer(t)
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte().Filter(func(b byte) bool { return b != '\n' }), 0, 40), 0, 20).Draw(r, "lines")
		window := rapid.IntRange(1, 8).Draw(r, "window")
		var in, want bytes.Buffer
		for _, line := range lines {
			in.Write(append(line, '\n'))
			want.Write(append(upper(bytes.TrimSuffix(bytes.Clone(line), []byte("\r"))), '\n'))
		}
		got := runCall(t, in.String(), server, "--window", fmt.Sprint(window))
		if got.code != 0 || got.out != want.String() || got.err != "" {
			r.Fatalf("%q became %q, want %q (exit code %d, stderr %q)", in.String(), got.out, want.String(), got.code, got.err)
		}
	})
}

// The server answers four at a time, the last one first.
func TestCallWindowKeepsTheOrder(t *testing.T) {
	conn := bind(t)
	var held [][]byte
	server := misbehave(t, conn, func(request []byte, from net.Addr) {
		if held = append(held, upper(request)); len(held) < 4 {
			return
		}
		for i := range held {
			_, _ = conn.WriteTo(held[len(held)-1-i], from)
		}
		held = nil
	})
	runCall(t, "a\nb\nc\nd\ne\nf\ng\nh\n", server, "--window", "4").want(t, 0, "A\nB\nC\nD\nE\nF\nG\nH\n")
}

func TestCallUnansweredLinesStayAligned(t *testing.T) {
	server := dgramtest.NewServer(t, func(p []byte) []byte {
		if string(p) == "lost" {
			return nil
		}
		return append(upper(p), "\nsecond\\n\n"...)
	}).String()
	runCall(t, "a\nlost\nb\n", append(quick[:len(quick):len(quick)], server)...).want(t, exitSilent,
		`A\nsecond\n\n`+"\n\n"+`B\nsecond\n\n`+"\n", "line 2: no answer", "3 datagrams: 2 answered, 1 silent")
	runCall(t, "", server, "a").want(t, 0, "A\nsecond\\n\n\n")
	runCall(t, "", server, "--raw", "a").want(t, 0, "A\nsecond\\n\n")
	runCall(t, "a\n", server, "--output", "hex").want(t, 0, hex.EncodeToString([]byte("A\nsecond\\n\n"))+"\n")
}

func TestCallKindsOfInput(t *testing.T) {
	server := upperServer(t)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for name, text := range map[string]string{one: "first\n", two: "second"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runCall(t, "a\nb\r\n\x00", server, "--raw").want(t, 0, "A\nB\r\n\x00")
	runCall(t, "", server, "--raw").want(t, 0, "")
	runCall(t, "", server, "").want(t, 0, "\n")
	runCall(t, "", server, "--input", "hex", "68:65", "6C6c", "6f").want(t, 0, "HELLO\n")
	runCall(t, "68 65\n\n6f0a\n", server, "--input", "hex", "--output", "hex").want(t, 0, "4845\n\n4f0a\n")
	runCall(t, "third", server, "--input", "file", one, two, "-").want(t, 0, "FIRST\n\nSECOND\nTHIRD\n")
	runCall(t, two+"\n"+one+"\n", server, "--input", "file").want(t, 0, "SECOND\nFIRST\\n\n")
	runCall(t, strings.Repeat("x", 70000), server, "--raw").want(t, exitTooBig, "", "too big: 70000 bytes")
	runCall(t, "", server, "--", "-x", "--raw").want(t, 0, "-X --RAW\n")
	runCall(t, "", server, "hi", "--count", "3").want(t, 0, "HI\nHI\nHI\n")
	runCall(t, "", server, "--input", "file", dir).want(t, exitError, "", dir)
}

func TestCallSmallBufferSaysWhatIsCut(t *testing.T) {
	server := upperServer(t)
	want := strings.Repeat("X", 2048)
	runCall(t, "", server, "--buffer", "2048", strings.Repeat("x", 3000)).want(t, 0, want+"\n", "was cut to 2048 bytes: --buffer 65535 takes it whole")
}

func TestCallLateAndDuplicateAreSaid(t *testing.T) {
	conn := bind(t)
	var mu sync.Mutex
	first := true
	server := misbehave(t, conn, func(request []byte, from net.Addr) {
		mu.Lock()
		defer mu.Unlock()
		if string(request) == "first" {
			return
		}
		if first { // the answer to the line before, which was given up
			_, _ = conn.WriteTo([]byte("FIRST"), from)
		}
		first = false
		_, _ = conn.WriteTo(upper(request), from)
		_, _ = conn.WriteTo(request, from)
	})
	runCall(t, "first\nsecond\n", server, "--timeout", "50ms", "--tries", "1", "--linger", "100ms").want(t, exitSilent, "\nSECOND\n",
		"line 1: no answer", `late: `+server+` answered when it was given up: "FIRST"`, `duplicate: `+server+` answered once more: "SECOND"`)
}

func TestCallStrangersAreSaidEscaped(t *testing.T) {
	other, conn := bind(t), bind(t)
	server := misbehave(t, conn, func(request []byte, from net.Addr) {
		_, _ = other.WriteTo([]byte("\x1b[2Jevil"), from)
		_, _ = conn.WriteTo(upper(request), from)
	})
	runCall(t, "", server, "hi").want(t, 0, "HI\n", `stranger: `+other.LocalAddr().String()+` was not asked, and sent: "\x1b[2Jevil"`)
}

func TestCallCollect(t *testing.T) {
	conn := bind(t)
	server := misbehave(t, conn, func(_ []byte, from net.Addr) {
		_, _ = conn.WriteTo([]byte("one"), from)
		_, _ = conn.WriteTo([]byte("two\n"), from)
	})
	runCall(t, "", server, "hi", "--collect", "100ms").want(t, 0, server+"\tone\n"+server+"\ttwo\\n\n")
}

func TestCallFreshAndPortable(t *testing.T) {
	server, silent := upperServer(t), silentServer(t)
	for _, flag := range []string{"--fresh", "--portable"} {
		runCall(t, "a\nb\n", server, flag).want(t, 0, "A\nB\n")
		if got := runCall(t, "", append(quick[:len(quick):len(quick)], silent, "a", flag)...); got.code != exitSilent {
			t.Errorf("%s: exit code %d, stderr %q", flag, got.code, got.err)
		}
	}
	runCall(t, "", server, "a", "--bind", "127.0.0.1", "--ttl", "5", "--tos", "16", "--df").want(t, 0, "A\n")
}

func TestCallIPv6AndNames(t *testing.T) {
	conn, err := dgram.Listen("udp6://[::1]:0")
	if err != nil {
		testnet.Missing(t, fmt.Sprint("IPv6: ", err))
	}
	dgramtest.Serve(t, conn, upper)
	server := conn.Local()
	runCall(t, "", server.String(), "hello").want(t, 0, "HELLO\n")
	runCall(t, "", server.String(), strings.Repeat("x", maxPayload6+1)).want(t, exitTooBig, "", "over IPv6 holds at most 65527")
	// Of the addresses that localhost has, only ::1 answers, which not every machine gives it.
	found, err := net.LookupHost("localhost")
	if err != nil {
		t.Fatal(err)
	}
	if named := runCall(t, "", fmt.Sprint("localhost:", server.Port()), "hello"); slices.Contains(found, "::1") {
		named.want(t, 0, "HELLO\n")
	} else if named.code != exitRefused || named.out != "" {
		t.Errorf("localhost is %v: %+v", found, named)
	}
}

func TestCallJSON(t *testing.T) {
	server, silent := upperServer(t), silentServer(t)
	for _, c := range []struct {
		args    []string
		verdict string
		code    int
	}{
		{[]string{server, "hi"}, "answered", 0}, {[]string{silent, "hi"}, "silent", exitSilent}, {[]string{closedPort(t), "hi"}, "refused", exitRefused},
	} {
		got := runCall(t, "", append(append(quick[:len(quick):len(quick)], "--json", "--quiet"), c.args...)...)
		if got.code != c.code || got.err != "" {
			t.Errorf("%v: exit code %d, stderr %q", c.args, got.code, got.err)
		}
		types := map[ledger.Type]int{}
		for line := range strings.Lines(got.out) {
			e, err := ledger.Unmarshal([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			types[e.Head().Type]++
			if x, ok := e.(*ledger.ExchangeEvent); ok && (x.Verdict != c.verdict || x.Peer != c.args[0]) {
				t.Errorf("%v: %s", c.args, line)
			}
			if s, ok := e.(*ledger.SummaryEvent); ok && !s.Balanced {
				t.Errorf("%v: the account does not balance: %s", c.args, line)
			}
		}
		if types[ledger.TypeExchange] != 1 || types[ledger.TypeSummary] != 1 || types[ledger.TypeRequest] == 0 {
			t.Errorf("%v: %v", c.args, types)
		}
	}
}
