package dgram

import (
	"testing"
	"time"

	"dgram/sock"
)

// What the system coalesced before the offload is turned off comes apart all the same.
func TestOffloadIsTurnedOffBehindWhatIsQueued(t *testing.T) {
	server, err := ListenEndpoint(MustParseEndpoint("127.0.0.1:0"), Options{GRO: true, AutoGRO: func(bool) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := DialEndpoint(server.Local(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c := server.(*kernelConn)
	out := client.NewBatch(10)
	for range 10 {
		out.Add(Endpoint{}, make([]byte, 100))
	}
	if err := client.Send(out); err != nil {
		t.Fatal(err)
	}
	if !c.Caps().GRO || c.gro.turn(c, false) {
		t.Fatal("the offload was off, or was turned off with something queued")
	}
	if on, err := c.socket.Get(sock.UDPGRO); err == nil && on == 0 {
		t.Error("the socket has it off")
	}
	b := server.NewBatch(4)
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	for got := 0; got < 10; got += b.Count() {
		if err := server.Recv(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Datagrams {
			if d := &b.Datagrams[i]; len(d.Data) != 100*d.Count() {
				t.Fatalf("%d datagrams of %d bytes", d.Count(), len(d.Data))
			}
		}
	}
	if !c.gro.turn(c, false) || c.Caps().GRO {
		t.Error("with nothing queued it was not turned off")
	}
	c.gro.keep(true)
	if c.gro.turn(c, true) {
		t.Error("it was turned while it was to stay")
	}
	c.gro.keep(false)
	if !c.gro.turn(c, true) {
		t.Error("it stays as it was")
	}
}
