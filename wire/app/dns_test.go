package app

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"

	"dgram/wire"
)

var dnsNames = rapid.StringMatching(`([a-zA-Z0-9_-]{1,20}\.){1,5}`)

// drawMessage makes a reply with names compressed as real ones are, and the value of each record.
func drawMessage(t *rapid.T) (message []byte, question string, values []string) {
	name := func() dnsmessage.Name { return dnsmessage.MustNewName(dnsNames.Draw(t, "name")) }
	asked := name()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, Response: true})
	b.EnableCompression()
	must(t, b.StartQuestions())
	must(t, b.Question(dnsmessage.Question{Name: asked, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}))
	must(t, b.StartAnswers())
	for range rapid.IntRange(0, 8).Draw(t, "answers") {
		h := dnsmessage.ResourceHeader{Name: asked, Class: dnsmessage.ClassINET, TTL: 60}
		other := name()
		text := strings.TrimSuffix(other.String(), ".")
		switch rapid.IntRange(0, 6).Draw(t, "type") {
		case 0:
			a := [4]byte{192, 0, 2, rapid.Byte().Draw(t, "a")}
			must(t, b.AResource(h, dnsmessage.AResource{A: a}))
			values = append(values, netip.AddrFrom4(a).String())
		case 1:
			a := [16]byte{0x20, 1, 0xd, 0xb8, 15: rapid.Byte().Draw(t, "a")}
			must(t, b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a}))
			values = append(values, netip.AddrFrom16(a).String())
		case 2:
			must(t, b.CNAMEResource(h, dnsmessage.CNAMEResource{CNAME: other}))
			values = append(values, text)
		case 3:
			must(t, b.MXResource(h, dnsmessage.MXResource{Pref: 10, MX: other}))
			values = append(values, "10 "+text)
		case 4:
			must(t, b.SRVResource(h, dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 3, Target: other}))
			values = append(values, "1 2 3 "+text)
		case 5:
			must(t, b.TXTResource(h, dnsmessage.TXTResource{TXT: []string{"a b", text}}))
			values = append(values, fmt.Sprintf(`"a b" "%s"`, text))
		case 6:
			must(t, b.SOAResource(h, dnsmessage.SOAResource{NS: other, MBox: asked}))
			values = append(values, text)
		}
	}
	message, err := b.Finish()
	must(t, err)
	return message, strings.TrimSuffix(asked.String(), "."), values
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// What x/net's package writes is read back, and its place in the frame is where it stands.
func TestDNSFieldsBesideDNSMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message, question, values := drawMessage(t)
		p := udpPacket(53, 40000, string(message))
		var m Message
		Read(p, &m)
		if m.Protocol != DNS || m.Kind != Reply || !m.HasIdentity {
			t.Fatalf("%+v", m)
		}
		if info, want := string(AppendInfo(nil, p, &m)), "Standard query response 0x0007 A "+question; !strings.HasPrefix(info+" ", want[:min(len(want), 190)]) {
			t.Fatalf("%q, not %q", info, want)
		}
		var got []string
		end := 0
		for _, f := range Fields(p, &m, 100) {
			switch f.Name {
			case "Data":
				got = append(got, f.Value)
			case "Question", "Answer":
				if f.Off < end {
					t.Fatalf("%+v begins before %d, where the one before ended", f, end)
				}
				end = f.Off + f.Len
			case "Rest":
				t.Fatalf("%+v", f)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(values) || end != 100+len(message) {
			t.Fatalf("%q, not %q; read up to %d of %d", got, values, end, 100+len(message))
		}
	})
}

// Pointers that lead nowhere new end a name.
func TestNamesEnd(t *testing.T) {
	for _, c := range []struct {
		message string
		at      int
		name    string
		ok      bool
	}{
		{"\x03www\x07example\x00", 0, "www.example", true},
		{"\x00", 0, "<Root>", true},
		{"\x03com\x00\x01a\xc0\x00", 5, "a.com", true},
		{"\xc0\x00", 0, "", false},
		{"\x01a\xc0\x00", 0, "a", false},
		{"\xc0\x02\xc0\x00", 2, "", false},
		{"\x05ab", 0, "", false},
		{"\xc0", 0, "", false},
		{"\x40a", 0, "", false},
		{"\x03a.b\x02\\\x01\x02\xc3\xa9\x01\xff\x00", 0, `a\.b.\\\001.é.\255`, true},
		{strings.Repeat("\x3f"+strings.Repeat("x", 63), 4) + "\x00", 0, strings.Repeat("."+strings.Repeat("x", 63), 3)[1:], false},
	} {
		name, _, ok := appendName(nil, []byte(c.message), c.at)
		if string(name) != c.name || ok != c.ok {
			t.Errorf("%q: %q %t, not %q %t", c.message, name, ok, c.name, c.ok)
		}
	}
	// A chain of pointers as long as a datagram.
	chain := []byte("\x00\x00")
	for i := 0; i < 16000; i += 2 {
		chain = append(chain, 0xc0|byte(i>>8), byte(i))
	}
	if _, _, ok := appendName(nil, chain, len(chain)-2); ok {
		t.Error("a name of 8,000 pointers is no name")
	}
}

// A packet can be cut anywhere.
func TestCutPayloads(t *testing.T) {
	for _, c := range readCases {
		for n := range len(c.payload) {
			p := udpPacket(c.src, c.dst, c.payload[:n])
			p.PayloadLength = len(c.payload)
			p.Problem = wire.CutShort
			var m Message
			Read(p, &m)
			AppendInfo(nil, p, &m)
			Fields(p, &m, 0)
		}
	}
}
