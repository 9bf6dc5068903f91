package stage

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dgram"
	"dgram/dgramtest"
	"dgram/internal/testnet"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares got with a file of testdata.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (go test -update writes it anew):\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

// needTool returns the path of a program.
func needTool(t *testing.T, name string) string {
	t.Helper()
	testnet.Need(t, name)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	testPeer  = dgramtest.Endpoint("192.0.2.1:1000")
	testLocal = dgramtest.Endpoint("192.0.2.2:12345")
	testTime  = time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
)

// apply runs one datagram through a plan and returns the reply, or what came of it in words.
func apply(p *Plan, payload string) string {
	b := dgram.NewBatch(1, nil)
	d := b.Add(testPeer, []byte(payload))
	d.Local = testLocal
	c := &Context{Seed: 1, Flow: FlowOf(testPeer, testLocal), Sequence: 7, Now: testTime}
	var e Effect
	p.Build().Run(c, d, &e, 0)
	if stopped(d, &e) || !new(egress).admit(d, &request{}, true) {
		return fmt.Sprintf("%v %v", d.Fate, d.Reason)
	}
	return string(d.Data)
}

// rig is a Line on the in-memory network, and all that its Conn's tap saw.
type rig struct {
	t    testing.TB
	conn dgram.Conn
	line *Line
	seen *record
}

// record is a tap that copies what it is told.
type record struct {
	mu      sync.Mutex
	sends   int
	settled []dgram.Datagram // with their own Data
}

func (r *record) Received(*dgram.Batch)   {}
func (r *record) Sending(*dgram.Batch)    {}
func (r *record) Late(uint64, dgram.Fate) {}
func (r *record) Settled(b *dgram.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sends++
	for _, d := range b.Datagrams {
		d.Data = bytes.Clone(d.Data)
		r.settled = append(r.settled, d)
	}
}

// fates returns what became of request id, in order: "pending", then "answered" for example; copies have a + before them.
func (r *record) fates(id uint64) (fates []string, replies []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.settled {
		if d.Request() != id {
			continue
		}
		f := d.Fate.String()
		if d.Reason != dgram.NoReason {
			f += ": " + d.Reason.String()
		}
		if d.Copy {
			f = "+" + f
		}
		fates = append(fates, f)
		if d.Fate == dgram.Answered {
			replies = append(replies, string(d.Data))
		}
	}
	return fates, replies
}

func newRig(t testing.TB, plan *Plan, o LineOptions) *rig {
	t.Helper()
	inner, err := dgramtest.NewNetwork().Listen("192.0.2.2:12345")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, seen: &record{}}
	r.conn = dgram.WithTaps(inner, r.seen)
	r.line = NewLine(plan, r.conn, o)
	t.Cleanup(func() {
		r.line.Close()
		r.conn.Close()
	})
	return r
}

// process sends a batch of payloads through the line and returns the number of the first.
func (r *rig) process(payloads ...string) uint64 {
	r.t.Helper()
	return r.from(testPeer, payloads...)
}

func (r *rig) from(peer dgram.Endpoint, payloads ...string) uint64 {
	r.t.Helper()
	b := r.conn.NewBatch(len(payloads))
	first := dgram.NextIDs(len(payloads))
	for i, p := range payloads {
		d := b.Add(peer, []byte(p))
		d.ID, d.Local = first+uint64(i), testLocal
	}
	if err := r.line.Process(b); err != nil {
		r.t.Fatal(err)
	}
	return first
}

// one processes one payload.
func (r *rig) one(payload string) uint64 { return r.process(payload) }
