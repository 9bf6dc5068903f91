package pair

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/pcapfile"
)

// A dialogue is a protocol that tshark pairs too: its request and its reply, whose bytes at idAt tell one from the other.
var dialogues = []struct {
	port         uint16
	ask, answer  string
	idAt, idSize int
	re, time     string // tshark's fields
}{
	{53, query, reply, 0, 2, "dns.response_to", "dns.time"},
	{3478, "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", "\x01\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", 8, 12, "stun.response-to", "stun.time"},
	{1812, "\x01\x07\x00\x14aaaaaaaaaaaaaaaa", "\x02\x07\x00\x14bbbbbbbbbbbbbbbb", 1, 1, "radius.reqframe", "radius.time"},
	{161, "\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x26\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00",
		"\x30\x26\x02\x01\x01\x04\x06public\xa2\x19\x02\x01\x26\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00",
		17, 1, "snmp.response_to", "snmp.time"},
	{5683, "\x44\x01\x7d\x34tokn\xbbtemperature", "\x64\x45\x7d\x34tokn\xff22.3 C", 4, 4, "coap.response_to", "coap.response_time"},
}

// generate makes a capture of exchanges with losses and replies out of order.
func generate(random *rand.Rand) []wire.Frame {
	var frames []wire.Frame
	add := func(at int64, src, dst netip.AddrPort, payload []byte) {
		data := wire.AppendUDP(nil, src, dst, 64, 0, payload)
		frames = append(frames, wire.Frame{Time: at, Data: data, Length: len(data), Link: wire.LinkRaw})
	}
	at := base
	for i := range 2000 {
		at += int64(random.IntN(20_000_000))
		d := dialogues[i%len(dialogues)]
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(5))}), uint16(40000+i%len(dialogues)*100+random.IntN(3)))
		server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, 1}), d.port)
		ask, answer := []byte(d.ask), []byte(d.answer)
		id := 1 + i/len(dialogues)
		if d.idSize == 1 && id > 127 {
			continue // tshark mixes up what uses an ID again, and SNMP's integers are negative from here on
		}
		for n := range min(d.idSize, 2) {
			ask[d.idAt+n], answer[d.idAt+n] = byte(id>>(8*n)), byte(id>>(8*n))
		}
		add(at, client, server, ask)
		if random.IntN(10) > 0 {
			add(at+int64(random.IntN(60_000_000)), server, client, answer)
		}
	}
	slices.SortStableFunc(frames, func(a, b wire.Frame) int { return cmp.Compare(a.Time, b.Time) })
	return frames
}

// TestBesideTshark holds pairs and round trips beside tshark's, where tshark knows them.
func TestBesideTshark(t *testing.T) {
	testnet.Need(t, "tshark")
	frames := generate(rand.New(rand.NewPCG(1, 2)))
	theirs := askTshark(t, writeFrames(t, frames))
	tracker := New(Config{})
	var p wire.Packet
	var m app.Message
	pairs := 0
	for i := range frames {
		wire.Decode(&frames[i], &p)
		p.No = uint64(i + 1)
		app.Read(&p, &m)
		n := tracker.Add(&p, &m)
		want := theirs[i]
		if n.Role == Reply {
			pairs++
		}
		if got := fmt.Sprintf("%d %.9f", n.Re, n.RTT.Seconds()); n.Role == Reply && got != want || n.Role != Reply && want != "" {
			t.Errorf("No. %d, %v from port %d: %+v; tshark has %q", p.No, m.Protocol, p.SrcPort, n, want)
		}
	}
	if pairs < 1200 {
		t.Errorf("only %d pairs", pairs)
	}
}

func writeFrames(t *testing.T, frames []wire.Frame) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "dialogues.pcapng")
	w, err := pcapfile.Create(name, pcapfile.WriterConfig{Interfaces: []wire.Interface{{Link: wire.LinkRaw}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		if err := w.Add(&frames[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// askTshark returns, of each frame, which one it answers and after how many seconds.
func askTshark(t *testing.T, name string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"-n", "-2", "-r", name, "-T", "fields"}
	for _, d := range dialogues {
		args = append(args, "-e", d.re, "-e", d.time)
	}
	out, err := exec.CommandContext(ctx, "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var answers []string
	for line := range strings.Lines(string(out)) {
		fields, said := strings.Split(strings.TrimRight(line, "\n"), "\t"), ""
		for i := 0; i+1 < len(fields); i += 2 {
			if seconds, err := strconv.ParseFloat(fields[i+1], 64); fields[i] != "" && err == nil {
				said = fmt.Sprintf("%s %.9f", fields[i], seconds)
			}
		}
		answers = append(answers, said)
	}
	return answers
}
