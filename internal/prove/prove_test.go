//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"dgram/stage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	removeProgram()
	os.Exit(code)
}

// TestPromises tries the short form of each promise; make prove is the long one.
func TestPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("the promises are about a program, which the race detector is not built into")
	}
	for _, p := range promises {
		t.Run(fmt.Sprintf("%d %s", p.number, p.claim), func(t *testing.T) {
			p.prove(&proof{TB: t, short: true, seed: 1})
		})
	}
}

func TestPromisesAreNumbered(t *testing.T) {
	for i, p := range promises {
		if p.number != i+1 {
			t.Errorf("promise %d stands at place %d", p.number, i+1)
		}
	}
}

func TestChoose(t *testing.T) {
	for numbers, want := range map[string]int{"": len(promises), "3": 1, "1, 5": 2, "0": -1, "10": -1, "x": -1, "3,": -1} {
		chosen, err := choose(numbers)
		if (err != nil) != (want < 0) || err == nil && len(chosen) != want {
			t.Errorf("choose(%q) has %d promises, %v", numbers, len(chosen), err)
		}
	}
}

// How a proof ends, by what it does; whatever it set up is undone, in every case.
func TestAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		prove   func(*proof)
		verdict string
		why     string
	}{
		"held":     {func(p *proof) { p.sentf("%d things", 3) }, held, ""},
		"broken":   {func(p *proof) { p.Errorf("it is %s", "broken") }, broken, "it is broken"},
		"fatal":    {func(p *proof) { p.Fatal("at once"); p.sentf("never") }, broken, "at once"},
		"skipped":  {func(p *proof) { p.Skip("no tool") }, open, "no tool"},
		"panicked": {func(*proof) { panic("of its own") }, broken, "of its own"},
		"undoing":  {func(p *proof) { p.Cleanup(func() { p.Fatal("cannot undo") }) }, broken, "cannot undo"},
	} {
		undone := false
		prove := func(p *proof) { p.Cleanup(func() { undone = true }); c.prove(p) }
		r := attempt(promise{1, "a claim", prove}, options{}, io.Discard, nil)
		if r.Verdict != c.verdict || !strings.Contains(strings.Join(r.Why, " "), c.why) || !undone {
			t.Errorf("%s: %+v, undone %v", name, r, undone)
		}
	}
}

func TestInterrupt(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	r := attempt(promise{1, "a claim", func(p *proof) { <-p.Context().Done() }}, options{}, io.Discard, signals)
	if r.Verdict != broken || !r.interrupted {
		t.Errorf("%+v", r)
	}
}

func TestResultPrints(t *testing.T) {
	r := result{Promise: 3, Claim: "no datagram stops it", Verdict: broken, Sent: []string{"7 packets", "a probe"}, Why: []string{"it ended"}, Seed: 4}
	var line, object bytes.Buffer
	r.print(&line, false)
	r.print(&object, true)
	if want := " 3 broken no datagram stops it | sent: 7 packets; a probe | seen: nothing | 0.0 s\n          it ended\n"; line.String() != want {
		t.Errorf("%q, want %q", line.String(), want)
	}
	if want := `{"promise":3,"claim":"no datagram stops it","verdict":"broken","sent":["7 packets","a probe"],"seen":null,"why":["it ended"],"seed":4,"short":false,"seconds":0}` + "\n"; object.String() != want {
		t.Errorf("%q, want %q", object.String(), want)
	}
}

// Without the guard the attack on amplification finds what it looks for.
func TestScaleSeesAmplification(t *testing.T) {
	p := &proof{TB: t, short: true, seed: 1}
	for _, spec := range []string{"hex", "duplicate:100%"} {
		var guarded, open tallyOfRatios
		p.mill(&guarded, newFuzz(1, 0), stage.MustParse(spec), stage.GuardConfig{Limit: -1}, 1000)
		p.mill(&open, newFuzz(1, 0), stage.MustParse(spec), stage.GuardConfig{Limit: -1, MaxReply: -1}, 1000)
		if guarded.broken.Load() != 0 || open.broken.Load() < 500 || open.largest() != "2.000" {
			t.Errorf("%s: guarded %d broken, open %d broken, largest ratio %s", spec, guarded.broken.Load(), open.broken.Load(), open.largest())
		}
	}
}

// The checksum of RFC 1071's own example, and of a packet that says its checksum is right.
func TestChecksum(t *testing.T) {
	if got := checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("%#x", got)
	}
	p := ipv4(clientAddr, serverAddr, header4{proto: protoUDP, options: []byte{1}}, []byte("odd"))
	if checksum(p[:24]) != 0 {
		t.Errorf("% x", p)
	}
}

func TestCounters(t *testing.T) {
	c := counters{}
	c.pairs("Ip: Forwarding InReceives\nIp: 2 7\nUdp: InDatagrams NoPorts\nUdp: 5 1\n")
	c.lines("Udp6InDatagrams                 	9\n")
	c.link("Inter-|   Receive\n veth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n    lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "veth0")
	for name, want := range map[string]uint64{"Ip.InReceives": 7, "Udp.NoPorts": 1, "Udp6InDatagrams": 9, "rx_packets": 2, "rx_dropped": 4, "tx_packets": 10, "tx_dropped": 12} {
		if c[name] != want {
			t.Errorf("%s is %d, want %d", name, c[name], want)
		}
	}
	if d := (counters{"a": 5}).since(counters{"a": 3}); d["a"] != 2 {
		t.Error(d)
	}
}
