package dgram_test

import (
	"fmt"
	"slices"
	"testing"

	"dgram"
	"dgram/dgramtest"
)

// diary is a tap that writes down what it sees.
type diary struct {
	name  string
	lines *[]string
}

func (d diary) write(what string, b *dgram.Batch) {
	line := d.name + " " + what
	for _, g := range b.Datagrams {
		line += fmt.Sprintf(" %s:%v:%t", g.Data, g.Fate, g.ID != 0)
	}
	*d.lines = append(*d.lines, line)
}

func (d diary) Received(b *dgram.Batch) { d.write("received", b) }
func (d diary) Sending(b *dgram.Batch)  { d.write("sending", b) }
func (d diary) Settled(b *dgram.Batch)  { d.write("settled", b) }
func (d diary) Late(id uint64, f dgram.Fate) {
	*d.lines = append(*d.lines, fmt.Sprintf("%s late %d %v", d.name, id, f))
}

func TestWithTaps(t *testing.T) {
	n := dgramtest.NewNetwork()
	plain, err := n.Listen("192.0.2.1:53")
	if err != nil {
		t.Fatal(err)
	}
	if dgram.WithTaps(plain) != plain {
		t.Error("no tap, and yet another Conn")
	}
	var lines []string
	conn := dgram.WithTaps(dgram.WithTaps(plain, diary{"inner", &lines}), diary{"first", &lines}, diary{"second", &lines})
	defer conn.Close()

	b := conn.NewBatch(3)
	b.Add(conn.Local(), []byte("x"))
	b.Add(conn.Local().WithPort(0), []byte("y"))
	b.Add(conn.Local(), []byte("z")).DropFor(dgram.ReasonLoss)
	if err := conn.Send(b); err != nil {
		t.Fatal(err)
	}
	if err := conn.Recv(b); err != nil {
		t.Fatal(err)
	}
	dgram.TellLate(conn, 7, dgram.Silent)
	dgram.TellLate(plain, 8, dgram.Silent)
	conn.Close()
	if err := conn.Recv(b); !dgram.IsClosed(err) {
		t.Errorf("Recv: %v", err)
	}

	sending := " sending x:undecided:true y:undecided:true z:dropped:false"
	settled := " settled x:pending:true y:failed:true z:dropped:false"
	received := " received x:undecided:true"
	want := []string{
		"first" + sending, "second" + sending, "inner" + sending,
		"inner" + settled, "first" + settled, "second" + settled,
		"inner" + received, "first" + received, "second" + received,
		"first late 7 silent", "second late 7 silent", "inner late 7 silent",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the taps saw\n%q, not\n%q", lines, want)
	}
}
