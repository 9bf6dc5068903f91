package dgramtest

import (
	"testing"

	"dgram"
)

// NewServer starts a UDP server on 127.0.0.1 that answers each datagram with what reply returns for it, and stops it when the test ends. A
// nil reply is no reply; an empty one is an empty datagram. reply is called on one goroutine; request is valid during the call, and may be
// changed and returned.
func NewServer(t testing.TB, reply func(request []byte) []byte) dgram.Endpoint {
	t.Helper()
	conn, err := dgram.Listen("udp4://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	Serve(t, conn, reply)
	return conn.Local()
}

// Serve answers what conn receives as NewServer does, until the test ends; it then closes conn.
func Serve(t testing.TB, conn dgram.Conn, reply func(request []byte) []byte) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- serve(conn, reply) }()
	t.Cleanup(func() {
		conn.Close()
		if err := <-done; !dgram.IsClosed(err) {
			t.Errorf("the server on %s ended: %v", conn.Local(), err)
		}
	})
}

func serve(conn dgram.Conn, reply func([]byte) []byte) error {
	b := conn.NewBatch(16)
	for {
		if err := conn.Recv(b); err != nil {
			return err
		}
		for i := range b.Datagrams {
			answer(&b.Datagrams[i], reply)
		}
		if err := conn.Send(b); err != nil {
			return err
		}
	}
}

func answer(d *dgram.Datagram, reply func([]byte) []byte) {
	if d.Notice() {
		return
	}
	p := reply(d.Data)
	switch {
	case p == nil:
		d.Fate = dgram.Ignored
	case !d.SetData(p):
		d.DropFor(dgram.ReasonTooBig)
	}
}
