package dgram_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dgram"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		in, host string // host: the default one
		want     string // URL, or of a name NETWORK://NAME:PORT, or ! and a part of the error
	}{
		{"127.0.0.1:12345", "", "udp://127.0.0.1:12345"},
		{"127.0.0.1", "", "udp://127.0.0.1:12345"},
		{":53", "127.0.0.1", "udp://127.0.0.1:53"},
		{"53", "127.0.0.1", "udp://127.0.0.1:53"},
		{"", "127.0.0.1", "udp://127.0.0.1:12345"},
		{"", "", "udp://[::]:12345"},
		{":0", "", "udp://[::]:0"},
		{"*:53", "127.0.0.1", "udp://[::]:53"},
		{"0.0.0.0:53", "", "udp://0.0.0.0:53"},
		{"[::1]:53", "", "udp://[::1]:53"},
		{"[::1]", "", "udp://[::1]:12345"},
		{"::1", "", "udp://[::1]:12345"},
		{"fe80::1%eth0", "", "udp://[fe80::1%eth0]:12345"},
		{"[fe80::1%eth0]:53", "", "udp://[fe80::1%eth0]:53"},
		{"[::ffff:192.0.2.1]:53", "", "udp://192.0.2.1:53"},
		{"udp4://:53", "", "udp4://0.0.0.0:53"},
		{"udp6://[fe80::1%eth0]:53", "", "udp6://[fe80::1%eth0]:53"},
		{"example.org", "", "udp://example.org:12345"},
		{"udp6://example.org:7", "", "udp6://example.org:7"},
		{"unixgram:///run/x.sock", "", "unixgram:///run/x.sock"},
		{"/run/x.sock", "", "unixgram:///run/x.sock"},
		{"./x.sock", "", "unixgram:./x.sock"},
		{"unixgram:x.sock", "", "unixgram:x.sock"},
		{"@name", "", "unixgram:@name"},
		{"unixgram:@name", "", "unixgram:@name"},
		{"127.0.0.1:65536", "", "!a port is a number from 0 to 65535"},
		{"127.0.0.1:x", "", "!port \"x\""},
		{"99999", "", "!a port is a number"},
		{"::1:53x", "", "![ADDRESS]:PORT"},
		{"[::1", "", "!the ] after"},
		{"[::1]53", "", "!after ] comes :PORT"},
		{"tcp://127.0.0.1", "", "!no transport \"tcp\""},
		{"memory://127.0.0.1", "", "!no transport"},
		{"unixgram://", "", "!needs a path"},
		{"unixgram:a\x00b", "", "!no NUL"},
		{"/" + strings.Repeat("x", 200), "", "!at most 107 bytes"},
		{"exa mple:1", "", "!cannot hold ' '"},
		{"user@host:1", "", "!cannot hold '@'"},
		{strings.Repeat("x", 300), "", "!at most 253"},
	} {
		a, err := dgram.ParseAddress(c.in, c.host)
		if part, ok := strings.CutPrefix(c.want, "!"); ok {
			if !errors.Is(err, dgram.ErrAddress) || !strings.Contains(err.Error(), part) {
				t.Errorf("ParseAddress(%.40q): %v, wanted an error with %q", c.in, err, part)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseAddress(%q): %v", c.in, err)
			continue
		}
		got := a.Network.String() + "://" + a.String()
		if e, ok := a.Literal(); ok {
			got = e.URL()
		}
		if got != c.want {
			t.Errorf("ParseAddress(%q) is %s, not %s", c.in, got, c.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"", ":", "1", "[::1%e]:1", "udp://", "unixgram:@", "x:1", "[", "]", "%", "::%", "udp6://[fe80::1%25eth0]:53", "\xff"} {
		f.Add(s, "127.0.0.1")
	}
	f.Fuzz(func(t *testing.T, s, host string) {
		a, err := dgram.ParseAddress(s, host)
		if err != nil {
			if !errors.Is(err, dgram.ErrAddress) {
				t.Fatalf("%v does not wrap ErrAddress", err)
			}
			return
		}
		e, ok := a.Literal()
		if !ok {
			return
		}
		for _, text := range []string{e.String(), e.URL()} {
			again, err := dgram.ParseEndpoint(text)
			if err != nil || !again.Same(e) {
				t.Fatalf("%q is written %q, which reads as %v, %v", s, text, again, err)
			}
		}
	})
}

func anyEndpoint(t *rapid.T) dgram.Endpoint {
	if rapid.Bool().Draw(t, "unix") {
		return dgram.UnixEndpoint(rapid.StringMatching(`[/@a-z.][^\x00]{0,25}`).Draw(t, "path"))
	}
	port := rapid.Uint16().Draw(t, "port")
	if rapid.Bool().Draw(t, "v4") {
		a := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4 address"))
		return dgram.IPEndpoint(dgram.UDP, netip.AddrPortFrom(netip.AddrFrom4(a), port))
	}
	a := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6 address")))
	if rapid.Bool().Draw(t, "zoned") {
		a = a.WithZone(rapid.StringMatching(`[a-z0-9]{1,15}`).Draw(t, "zone"))
	}
	network := rapid.SampledFrom([]dgram.Network{dgram.UDP, dgram.UDP6}).Draw(t, "network")
	return dgram.IPEndpoint(network, netip.AddrPortFrom(a, port))
}

func TestEndpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEndpoint(t)
		if got, err := dgram.ParseEndpoint(e.URL()); err != nil || got != e {
			t.Fatalf("%#v is written %q, which reads as %#v, %v", e, e.URL(), got, err)
		}
		if got, err := dgram.ParseEndpoint(e.String()); err != nil || !got.Same(e) {
			t.Fatalf("%#v is written %q, which reads as %#v, %v", e, e, got, err)
		}
		if text, err := e.MarshalText(); err != nil || string(text) != e.String() {
			t.Fatalf("MarshalText: %q, %v", text, err)
		}
	})
}

func TestEndpointText(t *testing.T) {
	for _, c := range []struct {
		e    dgram.Endpoint
		want string
	}{
		{dgram.Endpoint{}, "none"},
		{dgram.UnixEndpoint(""), "unnamed unix socket"},
		{dgram.MustParseEndpoint("[::ffff:192.0.2.1]:7"), "192.0.2.1:7"},
		{dgram.MustParseEndpoint("unixgram:a b"), "unixgram:a b"},
	} {
		if got := fmt.Sprint(c.e); got != c.want {
			t.Errorf("%#v is written %q, not %q", c.e, got, c.want)
		}
	}
	if _, err := dgram.ParseEndpoint("localhost:1"); !errors.Is(err, dgram.ErrAddress) || !strings.Contains(err.Error(), "Resolve") {
		t.Errorf("an endpoint with a name: %v", err)
	}
	a, b := dgram.MustParseEndpoint("udp4://127.0.0.1:7"), dgram.MustParseEndpoint("127.0.0.1:7")
	if a == b || !a.Same(b) || a.Same(b.WithPort(8)) || a.Same(b.WithNetwork(dgram.Memory)) {
		t.Error("Same does not tell endpoints apart by address and port alone")
	}
}

func TestResolve(t *testing.T) {
	for in, want := range map[string]string{
		"udp4://[::1]:7":     "no IPv4 address: use udp6://",
		"udp6://127.0.0.1:7": "no IPv6 address: use udp4://",
	} {
		a, err := dgram.ParseAddress(in, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dgram.Resolve(t.Context(), a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Resolve(%s): %v", in, err)
		}
	}
	a, err := dgram.ParseAddress("localhost:7", "")
	if err != nil {
		t.Fatal(err)
	}
	found, err := dgram.Resolve(t.Context(), a)
	if err != nil || len(found) == 0 {
		t.Fatalf("localhost: %v, %v", found, err)
	}
	for _, e := range found {
		if !e.Addr().IsLoopback() || e.Port() != 7 {
			t.Errorf("localhost is %v", e)
		}
	}
}
