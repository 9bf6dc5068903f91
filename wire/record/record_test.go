package record

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dgram"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// pipe is a Conn that receives what it is given, and whose sending does what a test says.
type pipe struct {
	dgram.Conn
	local dgram.Endpoint
	in    []dgram.Datagram
	send  func(*dgram.Datagram)
}

func (p *pipe) Local() dgram.Endpoint { return p.local }

func (p *pipe) Recv(b *dgram.Batch) error {
	b.Reset()
	n := 0
	for i := range p.in {
		n += p.in[i].Count()
	}
	id := dgram.NextIDs(n)
	for _, d := range p.in {
		slot := b.Append()
		*slot = d
		if d.Fate == dgram.Undecided {
			slot.ID = id
			id += uint64(d.Count())
		}
	}
	return nil
}

func (p *pipe) Send(b *dgram.Batch) error {
	b.Number()
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; d.Fate == dgram.Undecided {
			p.send(d)
		}
	}
	return nil
}

var (
	server = dgram.MustParseEndpoint("192.168.3.8:12345")
	caller = dgram.MustParseEndpoint("192.168.3.2:57445")
)

// packet is one of a file, as a test wants to see it.
type packet struct {
	src, dst, payload, comment string
	outgoing                   bool
}

// read returns the packets of a file, whose checksums must be right, and what closes it.
func read(t *testing.T, file []byte) (all []packet, comment string, drops uint64) {
	t.Helper()
	r, err := pcapfile.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var f wire.Frame
		var p wire.Packet
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return all, r.Comment(), r.Drops()
		} else if err != nil {
			t.Fatal(err)
		}
		wire.Decode(&f, &p)
		one := packet{payload: string(p.Payload), comment: f.Comment, outgoing: f.Outgoing}
		if f.Link == wire.LinkRaw {
			one.src, one.dst = netip.AddrPortFrom(p.Src, p.SrcPort).String(), netip.AddrPortFrom(p.Dst, p.DstPort).String()
			if wire.VerifyChecksum(&p) != wire.ChecksumGood {
				t.Errorf("packet %d: its checksum is wrong", len(all)+1)
			}
		} else {
			one.src, one.dst = p.UnixSrc, p.UnixDst
		}
		if f.Time == 0 || p.Problem != wire.NoProblem {
			t.Errorf("packet %d: time %d, problem %d", len(all)+1, f.Time, p.Problem)
		}
		all = append(all, one)
	}
}

var times = regexp.MustCompile(`[0-9]+\.[0-9]{3} m?s`)

// check compares packets, with times left out of their comments.
func check(t *testing.T, file *bytes.Buffer, want ...packet) {
	t.Helper()
	all, _, _ := read(t, file.Bytes())
	for i := range all {
		all[i].comment = times.ReplaceAllString(all[i].comment, "T")
		if i >= len(want) || all[i] != want[i] {
			t.Errorf("packet %d is %+v", i+1, all[i])
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d packets, want %d", len(all), len(want))
	}
}

func begin(t *testing.T, side Side) (*bytes.Buffer, *Recorder) {
	t.Helper()
	file := new(bytes.Buffer)
	r, err := New(file, Config{Side: side, Application: "a test", OnError: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return file, r
}

func from(peer dgram.Endpoint, payload string) dgram.Datagram {
	return dgram.Datagram{Peer: peer, Local: server, Data: []byte(payload)}
}

// Everything that can become of a server's request stands beside it.
func TestServing(t *testing.T) {
	file, r := begin(t, Serving)
	p := &pipe{local: dgram.MustParseEndpoint("0.0.0.0:12345"), send: (*dgram.Datagram).Sent}
	conn := dgram.WithTaps(p, r.Tap(p))
	p.in = []dgram.Datagram{from(caller, "hello"), from(caller, "drop"), from(caller, "ignore"), from(caller, "hold"), from(caller, "fail"),
		{Peer: caller, Fate: dgram.Refused, Data: []byte("a report")}, from(caller, "late"), from(caller, "cut")}
	p.in[7].Truncated = true
	batch := dgram.NewBatch(16, nil)
	if err := conn.Recv(batch); err != nil {
		t.Fatal(err)
	}
	ids := map[string]uint64{}
	for i := range batch.Datagrams {
		d := &batch.Datagrams[i]
		ids[string(d.Data)] = d.ID
		switch string(d.Data) {
		case "drop":
			d.DropFor(dgram.ReasonLimit)
		case "ignore":
			d.Fate = dgram.Ignored
		case "hold", "late":
			d.Fate = dgram.Pending
		}
		copy(d.Data, bytes.ToUpper(d.Data)) // the server changes what it received
	}
	p.send = func(d *dgram.Datagram) {
		if string(d.Data) == "FAIL" {
			d.Fate, d.Err = dgram.Failed, syscall.EMSGSIZE
			return
		}
		d.Sent()
	}
	if err := conn.Send(batch); err != nil {
		t.Fatal(err)
	}
	later := dgram.NewBatch(4, nil)
	for _, text := range []string{"HOLD", "LATE"} {
		d := later.Add(caller, []byte(text))
		d.ID, d.Local, d.Deferred = ids[strings.ToLower(text)], server, true
	}
	later.Datagrams[1].DropFor(dgram.ReasonTimeout)
	copied := later.Add(caller, []byte("HELLO"))
	copied.ID, copied.Local, copied.Copy = ids["hello"], server, true
	if err := conn.Send(later); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	c, s := caller.String(), server.String()
	check(t, file,
		packet{c, s, "hello", "answered by No. 8 after T", false},
		packet{c, s, "drop", "dropped: rate limit", false},
		packet{c, s, "ignore", "ignored: no reply was wanted", false},
		packet{c, s, "hold", "pending: a handler or a delay holds it", false},
		packet{c, s, "fail", "failed: the reply could not be sent: message too long", false},
		packet{c, s, "late", "pending: a handler or a delay holds it", false},
		packet{c, s, "cut", "answered by No. 9 after T; longer than the buffer: it lost its end", false},
		packet{s, c, "HELLO", "reply to No. 1 after T", true},
		packet{s, c, "CUT", "reply to No. 7 after T", true},
		packet{s, c, "HOLD", "reply to No. 4 after T", true},
		packet{s, c, "HELLO", "extra copy of the reply to No. 1 after T", true},
	)
	_, comment, drops := read(t, file.Bytes())
	if !strings.Contains(comment, "rebuilt") || !strings.HasSuffix(comment, "11 packets recorded; 0 left out, so as not to slow the process. Settled after it was written: No. 6 dropped: timeout.") || drops != 0 {
		t.Errorf("%d drops, comment %q", drops, comment)
	}
}

// A slot with segments is as many packets.
func TestSegments(t *testing.T) {
	file, r := begin(t, Serving)
	p := &pipe{local: server, send: (*dgram.Datagram).Sent}
	conn := dgram.WithTaps(p, r.Tap(p))
	p.in = []dgram.Datagram{from(caller, "aabbc"), from(caller, "x")}
	p.in[0].Segment = 2
	b := dgram.NewBatch(4, nil)
	if err := errors.Join(conn.Recv(b), conn.Send(b), r.Close()); err != nil {
		t.Fatal(err)
	}
	c, s := caller.String(), server.String()
	check(t, file,
		packet{c, s, "aa", "answered by No. 5 after T", false}, packet{c, s, "bb", "answered by No. 6 after T", false},
		packet{c, s, "c", "answered by No. 7 after T", false}, packet{c, s, "x", "answered by No. 8 after T", false},
		packet{s, c, "aa", "reply to No. 1 after T", true}, packet{s, c, "bb", "reply to No. 2 after T", true},
		packet{s, c, "c", "reply to No. 3 after T", true}, packet{s, c, "x", "reply to No. 4 after T", true})
}

func TestFamilies(t *testing.T) {
	file, r := begin(t, Serving)
	for _, ends := range [][2]dgram.Endpoint{
		{dgram.MustParseEndpoint("[2001:db8::8]:1"), dgram.MustParseEndpoint("[2001:db8::2]:2")},
		{dgram.MustParseEndpoint("unixgram:///run/server"), dgram.MustParseEndpoint("unixgram:@client")},
		{dgram.MustParseEndpoint("unixgram:///run/server"), dgram.UnixEndpoint("")},
	} {
		p := &pipe{local: ends[0], send: (*dgram.Datagram).Sent, in: []dgram.Datagram{{Peer: ends[1], Data: []byte("hi")}}}
		if ends[1].Network() == dgram.Unixgram && ends[1].Path() == "" {
			p.in[0].Data = nil
		}
		conn := dgram.WithTaps(p, r.Tap(p))
		b := dgram.NewBatch(4, nil)
		_ = conn.Recv(b)
		if len(b.Datagrams[0].Data) == 0 {
			b.Datagrams[0].DropFor(dgram.ReasonNoAddress)
		}
		_ = conn.Send(b)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, file,
		packet{"[2001:db8::2]:2", "[2001:db8::8]:1", "hi", "answered by No. 2 after T", false},
		packet{"[2001:db8::8]:1", "[2001:db8::2]:2", "hi", "reply to No. 1 after T", true},
		packet{"@client", "/run/server", "hi", "answered by No. 4 after T", false},
		packet{"/run/server", "@client", "hi", "reply to No. 3 after T", true},
		packet{"", "/run/server", "", "dropped: no return address", false})
}

// clientSide is a client's Conn whose fates a test tells.
type clientSide struct {
	t    *testing.T
	pipe *pipe
	conn dgram.Conn
}

func newClientSide(t *testing.T, r *Recorder) *clientSide {
	p := &pipe{local: caller, send: (*dgram.Datagram).Sent}
	return &clientSide{t, p, dgram.WithTaps(p, r.Tap(p))}
}

func (c *clientSide) ask(text string) uint64 {
	b := dgram.NewBatch(1, nil)
	b.Add(server, []byte(text))
	if err := c.conn.Send(b); err != nil {
		c.t.Fatal(err)
	}
	return b.Datagrams[0].ID
}

func (c *clientSide) hear(from dgram.Endpoint, text string, f dgram.Fate, attempt uint64) {
	c.pipe.in = []dgram.Datagram{{Peer: from, Local: caller, Data: []byte(text)}}
	b := dgram.NewBatch(1, nil)
	if err := c.conn.Recv(b); err != nil {
		c.t.Fatal(err)
	}
	dgram.TellLate(c.conn, b.Datagrams[0].ID, f)
	if attempt != 0 {
		dgram.TellLate(c.conn, attempt, dgram.Answered)
	}
}

func TestCalling(t *testing.T) {
	file, r := begin(t, Calling)
	c := newClientSide(t, r)
	first := c.ask("hello")
	time.Sleep(2 * time.Duration(impatience)) // what comes sooner is no retry
	second := c.ask("hello")
	c.hear(server, "HELLO", dgram.Matched, second)
	dgram.TellLate(c.conn, first, dgram.Superseded)
	c.hear(server, "HELLO", dgram.Duplicate, 0)
	other := c.ask("other")
	more := c.ask("more")
	c.hear(server, "OTHER", dgram.Matched, other) // not the last one
	c.hear(caller.WithPort(9), "who", dgram.Stray, 0)
	dgram.TellLate(c.conn, more, dgram.Silent)
	c.hear(server, "MORE", dgram.Late, 0)
	c.pipe.send = func(d *dgram.Datagram) { d.Fate, d.Err = dgram.Failed, syscall.EPERM }
	c.ask("not sent")
	c.pipe.send = (*dgram.Datagram).Sent
	refused := c.ask("nobody")
	dgram.TellLate(c.conn, refused, dgram.Refused)
	c.ask("nobody")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a, s := caller.String(), server.String()
	check(t, file,
		packet{a, s, "hello", "in flight", true},
		packet{a, s, "hello", "retry of No. 1, which had no reply after T", true},
		packet{s, a, "HELLO", "reply to No. 2 after T", false},
		packet{s, a, "HELLO", "duplicate: a further reply to No. 2 after T", false},
		packet{a, s, "other", "in flight", true},
		packet{a, s, "more", "in flight", true},
		packet{s, a, "OTHER", "reply to No. 5 after T", false},
		packet{caller.WithPort(9).String(), a, "who", "stray: it answers nothing that was asked, or comes from somebody who was not", false},
		packet{s, a, "MORE", "late: reply to No. 6 after T", false},
		packet{a, s, "nobody", "in flight", true},
		packet{a, s, "nobody", "retry of No. 10, which was refused after T", true})
	_, comment, _ := read(t, file.Bytes())
	if want := "1 could not be sent, and are not here. Settled after it was written: No. 1 superseded; No. 6 silent; No. 10 refused."; !strings.Contains(comment, want) {
		t.Errorf("the comment is %q; want %q in it", comment, want)
	}
}

func TestMeasuring(t *testing.T) {
	file, r := begin(t, Measuring)
	p := &pipe{local: caller, send: (*dgram.Datagram).Sent}
	conn := dgram.WithTaps(p, r.Tap(p))
	b := dgram.NewBatch(4, nil)
	b.Add(server, []byte("one"))
	b.Add(server, []byte("two"))
	_ = conn.Send(b)
	two := b.Datagrams[1].ID
	p.in = []dgram.Datagram{{Peer: server, Data: []byte("TWO"), Re: two}, {Peer: server, Data: []byte("what")}}
	_ = conn.Recv(b)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a, s := caller.String(), server.String()
	check(t, file, packet{a, s, "one", "in flight", true}, packet{a, s, "two", "in flight", true},
		packet{s, a, "TWO", "reply to No. 2 after T", false}, packet{s, a, "what", "late, duplicate or stray: no request waits for it", false})
}

// gate is a file that takes nothing until it is opened.
type gate struct {
	bytes.Buffer
	open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	if g.Len() > 0 { // past the header
		<-g.open
	}
	return g.Buffer.Write(p)
}

// A file that takes nothing holds nobody up: what does not fit is left out, and counted in the file.
func TestOverload(t *testing.T) {
	file := &gate{open: make(chan struct{})}
	r, err := New(file, Config{Side: Serving})
	if err != nil {
		t.Fatal(err)
	}
	const shards, rounds = 3, 4000
	var group sync.WaitGroup
	for i := range shards {
		group.Go(func() {
			p := &pipe{local: server.WithPort(uint16(i + 1)), send: (*dgram.Datagram).Sent, in: []dgram.Datagram{from(caller, "a"), from(caller, "b")}}
			conn := dgram.WithTaps(p, r.Tap(p))
			b := dgram.NewBatch(4, nil)
			for range rounds {
				_ = conn.Recv(b)
				_ = conn.Send(b)
			}
		})
	}
	group.Wait()
	left := r.LeftOut()
	close(file.open)
	for full := true; full; full = r.full.Load() { // until there is room again
		time.Sleep(time.Millisecond)
	}
	p := &pipe{local: server, send: (*dgram.Datagram).Sent, in: []dgram.Datagram{from(caller, "last")}}
	conn := dgram.WithTaps(p, r.Tap(p))
	b := dgram.NewBatch(4, nil)
	_ = conn.Recv(b)
	_ = conn.Send(b)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	all, comment, drops := read(t, file.Bytes())
	const sent = shards*rounds*4 + 2
	if left == 0 || drops != left || uint64(len(all))+left != sent {
		t.Errorf("%d left out, %d drops, %d of %d in the file", left, drops, len(all), sent)
	}
	said := false
	for i, p := range all {
		said = said || strings.Contains(p.comment, "packets before this one were left out")
		if strings.HasPrefix(p.comment, "reply to") && p.payload != "last" {
			checkPair(t, all, i)
		}
	}
	if !said || !strings.Contains(comment, "left out") {
		t.Errorf("no packet says that others were left out; comment %q", comment)
	}
}

var number = regexp.MustCompile(`No\. (\d+)`)

// checkPair holds a reply against the request that it names.
func checkPair(t *testing.T, all []packet, i int) {
	t.Helper()
	n := 0
	for _, c := range number.FindStringSubmatch(all[i].comment)[1] {
		n = 10*n + int(c-'0')
	}
	q := all[n-1]
	if q.payload != all[i].payload || q.dst != all[i].src || q.comment != "" && !strings.HasPrefix(q.comment, "answered by No. ") {
		t.Errorf("packet %d %+v names No. %d, which is %+v", i+1, all[i], n, q)
	}
}

// full is a disk that has no room after the header.
type full struct {
	bytes.Buffer
	writes int
}

func (f *full) Write(p []byte) (int, error) {
	if f.writes++; f.writes > 1 {
		return 0, syscall.ENOSPC
	}
	return f.Buffer.Write(p)
}

func TestFullDisk(t *testing.T) {
	said := make(chan error, 10)
	r, err := New(new(full), Config{Side: Serving, OnError: func(err error) { said <- err }})
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{local: server, send: (*dgram.Datagram).Sent, in: []dgram.Datagram{from(caller, "a")}}
	conn := dgram.WithTaps(p, r.Tap(p))
	b := dgram.NewBatch(4, nil)
	_ = errors.Join(conn.Recv(b), conn.Send(b))
	if err := <-said; !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	for range 100 {
		_ = errors.Join(conn.Recv(b), conn.Send(b))
	}
	if err := r.Close(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(r.Close(), syscall.ENOSPC) {
		t.Error(err)
	}
	if len(said) != 0 || r.LeftOut() < 200 {
		t.Errorf("said %d times more, %d left out", len(said), r.LeftOut())
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap") // pcapng all the same
	if err := os.WriteFile(path, []byte("what was there"), 0o644); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	r, err := Create(path, Config{})
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	if all, comment, _ := read(t, b); len(all) != 0 || !strings.Contains(comment, "0 packets recorded") {
		t.Errorf("%v %q", all, comment)
	}
	if kept, _ := io.ReadAll(old); string(kept) != "what was there" {
		t.Errorf("who still has the old file reads %q", kept)
	}
	if _, err := Create(filepath.Join(path, "no", "folder"), Config{}); err == nil {
		t.Error("a file was made where there is no folder")
	}
}

// A batch costs no allocation once buffers have grown.
func TestAllocatesNothing(t *testing.T) {
	r, err := New(io.Discard, Config{Side: Serving})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	round := hotRound(r)
	for range 3000 {
		round()
	}
	if n := testing.AllocsPerRun(500, round); n > 0.1 {
		t.Errorf("%v allocations a batch", n)
	}
}

// hotRound receives and answers 32 datagrams.
func hotRound(r *Recorder) func() {
	p := hotPipe()
	conn := dgram.WithTaps(p, r.Tap(p))
	b := dgram.NewBatch(32, nil)
	return func() { _, _ = conn.Recv(b), conn.Send(b) }
}

func bareRound() func() {
	p, b := hotPipe(), dgram.NewBatch(32, nil)
	return func() { _, _ = p.Recv(b), p.Send(b) }
}

func hotPipe() *pipe {
	p := &pipe{local: server, send: (*dgram.Datagram).Sent}
	for range 32 {
		p.in = append(p.in, from(caller, strings.Repeat("x", 64)))
	}
	return p
}

// BenchmarkTap is what a server's goroutine pays for a packet: the batches themselves, with all packets copied, and with all left out.
func BenchmarkTap(b *testing.B) {
	for _, name := range []string{"nothing", "copied", "left out"} {
		b.Run(name, func(b *testing.B) {
			r := &Recorder{filling: new(backlog), waiting: map[*tap]struct{}{}, wake: make(chan struct{}, 1)} // nobody writes
			round := hotRound(r)
			if name == "nothing" {
				round = bareRound()
			}
			r.full.Store(name == "left out")
			for i := 0; b.Loop(); i++ {
				if round(); i%100 == 0 {
					r.filling.entries, r.filling.bytes = r.filling.entries[:0], r.filling.bytes[:0]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/packet")
		})
	}
}

// BenchmarkPen is what the writing goroutine pays for a packet, but for the write itself.
func BenchmarkPen(b *testing.B) {
	r := &Recorder{filling: new(backlog), waiting: map[*tap]struct{}{}, wake: make(chan struct{}, 1)}
	hotRound(r)()
	p := pen{out: pcapfile.NewWriter(io.Discard, (&Config{}).file()), interfaces: [2]int{-1, -1}}
	for b.Loop() {
		p.put(r.filling)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/packet")
}
