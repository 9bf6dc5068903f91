package main

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"dgram"
	"dgram/internal/testnet"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]string{
		"off": "off", "1": "1", "50": "50", "1000/s": "1000", "1000000": "1000000",
		"0": "", "-1": "", "": "", "on": "", "1000001": "", "5.5": "", "50/m": "", "/s": "",
	} {
		var r rate
		if err := r.Set(text); (err == nil) != (want != "") || err == nil && r.String() != want {
			t.Errorf("%q: %s, %v; want %q", text, r.String(), err, want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.0/24", "192.0.2.77/24": "192.0.2.0/24", "192.0.2.7": "192.0.2.7/32", "0.0.0.0/0": "0.0.0.0/0",
		"fd00::/8": "fd00::/8", "::1": "::1/128", "::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:10.0.0.1": "10.0.0.1/32",
		"": "", "host": "", "192.0.2.0/33": "", "192.0.2": "", "fe80::1%eth0": "", "::ffff:0.0.0.0/95": "",
	} {
		var p prefixes
		if err := p.Set(text); (err == nil) != (want != "") || err == nil && p[0].String() != want {
			t.Errorf("%q: %v, %v; want %q", text, p, err, want)
		}
	}
}

// Everything that a guard stops is said in words that name the flag which lets it pass.
func TestGuardsSpeak(t *testing.T) {
	f := guardFlags{limit: 50}
	peer := dgram.MustParseEndpoint("[fe80::1%eth0]:53")
	for reason, want := range map[dgram.Reason]string{
		dgram.ReasonLimit: "--trusted fe80::1/128", dgram.ReasonLoop: "--loop-guard=off", dgram.ReasonAmplify: "--max-reply", dgram.ReasonSource: "--trusted",
	} {
		if text := f.stopped(reason, peer); !strings.Contains(text, want) || !strings.Contains(text, reason.String()) {
			t.Errorf("%v: %q", reason, text)
		}
	}
	if text := f.stopped(dgram.ReasonNoAddress, peer); text != "" {
		t.Errorf("%q", text)
	}
}

func TestServeMaxReplyIsBounded(t *testing.T) {
	var out, errs strings.Builder
	code := run(t.Context(), []string{"serve", "--max-reply", "65508"}, strings.NewReader(""), &out, &errs)
	if code != exitError || !strings.Contains(errs.String(), "65507") {
		t.Errorf("%d: %s", code, errs.String())
	}
}

// Another machine meets each guard, and whoever runs the server reads why.
func TestServeGuardsBetweenNamespaces(t *testing.T) {
	testnet.NotUnderRace(t, "it is about routes and addresses")
	testnet.Need(t, "ip")
	left, right := testnet.Pair(t, "192.168.3.2/24 fd00:3::2/64", "192.168.3.8/24 fd00:3::8/64")
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	program := self(t)
	for _, c := range []struct {
		name    string
		serve   string
		call    string
		code    int
		account string
		said    string // "-": nothing of guards after it is ready
	}{
		{"limit", "--limit 2", "--count 20 --tries 1 --timeout 50ms x", exitSilent, "limit", "192.168.3.2, or its network, sends more than is answered (2 a second for each address)"},
		{"no limit", "--limit off", "--count 300 --interval 0s x", 0, "answered 300", "-"},
		{"trusted", "--limit 2 --trusted 192.168.3.0/24", "--count 300 --interval 0s x", 0, "answered 300", "-"},
		{"larger", "--stage hex", "--tries 1 --timeout 100ms x", exitSilent, "amplify", "is larger than its request"},
		{"larger, allowed", "--stage hex --max-reply 100", "x", 0, "answered 1", "whoever forges|who forges the address of a victim"},
		{"copies", "--stage echo --stage duplicate:100%", "x", 0, "answered 1", "and so are copies"},
		{"whole", "", strings.Repeat("x", 1472), 0, "answered 1", "-"},
		{"in fragments", "", "--tries 1 --timeout 100ms " + strings.Repeat("x", 1473), exitSilent, "EMSGSIZE", "-"},
		{"a loop", "--stage echo --limit off", "--count 66 --tries 1 --timeout 100ms x", exitSilent, "loop", "64 in a row"},
		{"no end to a loop", "--stage echo --limit off --loop-guard=off", "--count 130 x", 0, "answered 130", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveWith(t, right.Command(ctx, program, append([]string{"serve", "192.168.3.8:12345"}, strings.Fields(c.serve)...)...))
			call := left.Command(ctx, program, append([]string{"call", "192.168.3.8:12345"}, strings.Fields(c.call)...)...)
			out, _ := call.CombinedOutput()
			_, stderr := s.stop(t)
			if code := call.ProcessState.ExitCode(); code != c.code {
				t.Errorf("call ends with %d: %.300s", code, out)
			}
			if !strings.Contains(stderr, c.account) {
				t.Errorf("the account has no %s: %s", c.account, stderr)
			}
			said := false
			for _, words := range strings.Split(c.said, "|") {
				said = said || strings.Contains(stderr, words)
			}
			if c.said == "-" {
				said = !strings.Contains(stderr, "dropped")
			}
			if !said {
				t.Errorf("nothing like %q: %s", c.said, stderr)
			}
		})
	}
	t.Run("this machine itself", func(t *testing.T) {
		s := serveWith(t, right.Command(ctx, program, "serve", "[::]:12345", "--stage", "hex", "--limit", "1"))
		for _, host := range []string{"127.0.0.1", "::1", "192.168.3.8", "fd00:3::8"} {
			at := netip.AddrPortFrom(netip.MustParseAddr(host), 12345).String()
			if out, err := right.Command(ctx, program, "call", at, "--count", "10", "x").CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", at, err, out)
			}
		}
		if _, stderr := s.stop(t); !strings.Contains(stderr, "answered 40") {
			t.Error(stderr)
		}
	})
}
