package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"dgram/dgramtest"
	"dgram/internal/testnet"
	"dgram/internal/testpty"
)

// forged begins a line that only a reader who was deceived sees as one.
const forged = "FORGED"

// hostile are texts that would do something to a terminal, or to whoever reads a log. Each fits what a line shows of a payload.
func hostile() []string {
	all := []string{
		"\n" + forged + " ready 192.0.2.1:1\n", "\r" + forged, "\r\n" + forged, "\x0b" + forged, "\x0c" + forged, "\x85" + forged, "\u0085" + forged,
		"\u2028" + forged, "\u2029" + forged,
		"\x1b[2J\x1b[H\x1b]0;title\x07\x1b]52;c;Zm9v\x07\x1bP$q\x1b\\\x1bc\x1b[6n", "\u009b2J\u009d0;title\u009c\u0090", "\x9b2J\x9d0;title\x9c",
		"a\u202eevil\u202c\u2066x\u2069\u200e\u200f\u061c\u202a\u202b\u202d\u2067\u2068", "zero\u200bwidth\u200c\u200d\u2060\ufeff\u00ad",
		"\U000e0041\U000e007f\U000f0000\ue000\ufff9\ufffb", "\xff\xfe\xc3\x28\xe2\x82\xf0\x9f\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf",
		"n" + strings.Repeat("\u0301", 60), "\b\b\b\b\x7f\x7f\x00\x0e\x0f\x05", "\u3164\uffa0\u115f\u17b4\ufe0f\U000e0100",
		`\x1b[2J \n` + forged + ` \\`, "$(id) `id` 你好 👩‍👩‍👧 straße", "%s%n%!d(MISSING)",
	}
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	for part := range 4 {
		all = append(all, string(every[part*64:part*64+64]))
	}
	return all
}

// showsOnly reports what in a terminal's input or a log is neither printable text nor the end of a line, and lines that were forged. It is
// not the program's own rule: graphic characters by their category, without those that are invisible.
func showsOnly(t *testing.T, what string, printed []byte) {
	t.Helper()
	printed = bytes.ReplaceAll(printed, []byte("\r\n"), []byte("\n"))
	for line := range strings.Lines(string(printed)) {
		if strings.HasPrefix(line, forged) {
			t.Errorf("%s: a forged line: %q", what, line)
		}
	}
	marks := 0
	for rest := printed; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		bad := r == utf8.RuneError && n == 1 || r != '\n' && (!unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Co, unicode.Zl, unicode.Zp)) ||
			unicode.In(r, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		if marks++; !unicode.In(r, unicode.M) {
			marks = 0
		}
		if bad || marks > 8 {
			at := len(printed) - len(rest)
			t.Errorf("%s: %q reaches it: …%q", what, rest[:n], printed[max(0, at-40):min(len(printed), at+20)])
			return
		}
		rest = rest[n:]
	}
}

// quietTerminal is an environment in which the program itself sends no colours and moves no cursor.
func quietTerminal() []string { return append(os.Environ(), "TERM=dumb", "NO_COLOR=1") }

// onRawTerminal runs the program with a terminal as its stdout and stderr, and returns what that was sent.
func onRawTerminal(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	terminal := testpty.OpenRaw(t, 100)
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = quietTerminal(), terminal.Slave, terminal.Slave
	start(t, cmd)
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait() // with whatever code
	return terminal.Printed()
}

// withoutNUL is text as it can be an argument, or a path.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// asName is text as the name of a file that is not too long for a unix socket.
func asName(text string) string {
	name := strings.ReplaceAll(withoutNUL(text), "/", "|")
	return name[:min(len(name), 40)]
}

// Whatever a server answers, who asks at a terminal sees text.
func TestCallPrintsOnlyText(t *testing.T) {
	testnet.NotUnderRace(t, "it is about what is printed")
	program := self(t)
	texts := hostile()
	var next atomic.Int64
	server := dgramtest.NewServer(t, func([]byte) []byte { return []byte(texts[(next.Add(1)-1)%int64(len(texts))]) }).String()
	words := strings.Fields(strings.Repeat("x ", len(texts)))
	for name, flags := range map[string][]string{
		"words": nil, "collect": {"--collect", "30ms"}, "hex": {"--output", "hex"}, "json": {"--json"}, "small": {"--buffer", "7"},
	} {
		next.Store(0)
		for range words {
			printed := onRawTerminal(t, program, append([]string{"call", server, "x"}, flags...)...)
			showsOnly(t, "call "+name, bytes.Replace(printed, []byte(server+"\t"), nil, 1)) // what --collect parts the two with
		}
	}
	// A stranger's answer, and one that comes twice, are quoted on stderr, which here is a log.
	for i, text := range texts {
		other := bind(t)
		twice := misbehave(t, bind(t), func(_ []byte, from net.Addr) { _, _ = other.WriteTo([]byte(text), from) })
		r := runCall(t, "", twice, "x", "--timeout", "30ms", "--tries", "1", "--linger", "10ms")
		if showsOnly(t, fmt.Sprintf("stranger %d", i), []byte(r.err)); !strings.Contains(r.err, "not asked") {
			t.Errorf("the stranger is not spoken of: %q", r.err)
		}
	}
}

// What a person types wrong, or another program passes on, comes back in errors: as text, in one line.
func TestErrorsPrintOnlyText(t *testing.T) {
	testnet.NotUnderRace(t, "hundreds of processes, and none of them concurrent")
	program, dir := self(t), t.TempDir()
	var commands [][]string
	for i, text := range hostile() {
		text := withoutNUL(text)
		rules := filepath.Join(dir, asName(fmt.Sprint(i)+text))
		if err := os.WriteFile(rules, []byte(text+"\n"+text+" => "+text), 0o600); err != nil {
			t.Fatal(err)
		}
		none := dir + "/none/" + text
		places := [][]string{
			{"serve", text}, {"serve", text + ":1"}, {"serve", "unixgram:" + none}, {"serve", "--stage", text},
			{"serve", "--stage", "reply:{" + text}, {"serve", "--stage", "rule:" + text}, {"serve", "--stage", "exec:" + text}, {"serve", "--stage", "delay:" + text},
			{"serve", "--rules", rules}, {"serve", "--rules", none}, {"serve", "--user", text}, {"serve", "--metrics", text}, {"serve", "--metrics", "unix:" + none},
			{"serve", "--confine", text}, {"serve", "--join", text}, {"serve", "--interface", text}, {"serve", "--buffer", text}, {"serve", "--" + text},
			{"call", text + ":1", "x", "--timeout", "1ms", "--tries", "1"}, {"call", "unixgram:" + none, "x", "--tries", "1", "--timeout", "1ms"},
			{"call", ":", "--input", "file", text}, {"call", ":", "--input", "hex", text}, {"call", ":", "x", "--bind", text}, {"call", ":", "x", "--output", text},
			{text}, {"help", text}, {"completion", text},
		}
		for j, place := range places { // each text in some places, each place with some texts
			if (i+j)%3 == 0 {
				commands = append(commands, place)
			}
		}
	}
	var running sync.WaitGroup
	room := make(chan struct{}, 8)
	for _, args := range commands {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			cmd := exec.Command(program, args...)
			cmd.Env = quietTerminal()
			showsOnly(t, fmt.Sprintf("dgram %.60q", args), runBounded(t, cmd))
		})
	}
	running.Wait()
	showsOnly(t, "on a terminal", onRawTerminal(t, program, "serve", "--stage", "no\x1b[2J\n"+forged))
}

// runBounded runs a command that is to fail, and returns what it printed.
func runBounded(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return nil
	}
	kill := time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Kill() }) // it waits for a name server that does not answer
	defer kill.Stop()
	_ = cmd.Wait() // with whatever code
	return out.Bytes()
}

// Whatever is sent to a server, by whoever has whatever name, and whatever its program says: who watches sees text.
func TestServePrintsOnlyText(t *testing.T) {
	testnet.NotUnderRace(t, "it is about what is printed")
	program := self(t)
	for name, flags := range map[string][]string{
		"human": {"--stage", "echo"}, "json": {"--stage", "echo", "--json"}, "quiet": {"--quiet"}, "verbose": {"--verbose", "--stage", "upper:unicode"},
		"exec": {"--stage", `exec:sh -c 'cat >&2; exit 1'`}, "exec replies": {"--stage", "exec:cat"},
		"reply": {"--stage", "reply:{peer} {payload} {local}"},
	} {
		t.Run(name, func(t *testing.T) {
			for i, text := range hostile() {
				if i%6 == 0 || name == "human" {
					showsOnly(t, name, serveHostile(t, program, text, flags))
				}
			}
		})
	}
}

// serveHostile serves on a terminal, at a port and at a hostile path, for a client of a hostile name that sends hostile text, and returns what
// the terminal was sent.
func serveHostile(t *testing.T, program, text string, flags []string) []byte {
	t.Helper()
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s"+asName(text))
	terminal := testpty.OpenRaw(t, 100)
	cmd := exec.Command(program, append([]string{"serve", "unixgram:" + path, "--count", "2"}, flags...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = quietTerminal(), terminal.Slave, terminal.Slave
	start(t, cmd)
	terminal.AwaitText("ready")
	conn, err := net.DialUnix("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "c"+asName(text)), Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 {
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	defer stop.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return terminal.Printed()
}

// --raw is the one way to have bytes as they are, and says so; a terminal gets them by force alone.
func TestRawRefusesATerminal(t *testing.T) {
	program := self(t)
	server := dgramtest.NewServer(t, func([]byte) []byte { return []byte("\x1b[1mbold") }).String()
	if out := onRawTerminal(t, program, "call", server, "x", "--raw"); !bytes.Contains(out, []byte("--force")) || bytes.Contains(out, []byte("\x1b")) {
		t.Errorf("--raw on a terminal: %q", out)
	}
	if out := onRawTerminal(t, program, "call", server, "x", "--raw", "--force"); !bytes.Contains(out, []byte("\x1b[1mbold")) {
		t.Errorf("--raw --force on a terminal: %q", out)
	}
	runCall(t, "", server, "x", "--force").want(t, exitError, "", "--force goes with --raw")
}
