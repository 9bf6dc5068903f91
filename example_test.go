package dgram_test

import (
	"bytes"
	"fmt"
	"log"
	"time"

	"dgram"
)

// A server and a client, a datagram each way.
func Example() {
	server, err := dgram.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go upper(server)

	client, err := dgram.DialEndpoint(server.Local(), dgram.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	b := client.NewBatch(1)
	b.Add(dgram.Endpoint{}, []byte("hello"))
	if err := client.Send(b); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the request is", b.Datagrams[0].Fate)
	if err := client.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		log.Fatal(err)
	}
	if err := client.Recv(b); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b.Datagrams[0].Data)
	// Output:
	// the request is pending
	// HELLO
}

// upper answers until conn is closed. A whole batch is received, changed where it lies, and sent back.
func upper(conn dgram.Conn) {
	b := conn.NewBatch(64)
	for conn.Recv(b) == nil {
		for i := range b.Datagrams {
			d := &b.Datagrams[i]
			if !d.Notice() {
				copy(d.Data, bytes.ToUpper(d.Data)) // right for ASCII only
			}
		}
		if conn.Send(b) != nil {
			return
		}
	}
}

func ExampleParseAddress() {
	for _, s := range []string{"12345", "[fe80::1%eth0]:53", "example.org", "unixgram:@name"} {
		a, err := dgram.ParseAddress(s, "127.0.0.1")
		if err != nil {
			log.Fatal(err)
		}
		e, literal := a.Literal()
		fmt.Println(a.Network, a, literal, e)
	}
	// Output:
	// udp 127.0.0.1:12345 true 127.0.0.1:12345
	// udp [fe80::1%eth0]:53 true [fe80::1%eth0]:53
	// udp example.org:12345 false none
	// unixgram unixgram:@name true unixgram:@name
}

// A reply longer than its request finds room in the batch; one that would be longer than any datagram is dropped, with the reason.
func ExampleDatagram_Resize() {
	b := dgram.NewBatch(1, nil)
	d := b.Add(dgram.MustParseEndpoint("192.0.2.1:53"), []byte("ab"))
	for d.Resize(2 * len(d.Data)) {
		copy(d.Data[len(d.Data)/2:], d.Data[:len(d.Data)/2])
	}
	d.DropFor(dgram.ReasonTooBig)
	fmt.Println(len(d.Data), d.Fate, d.Reason)
	// Output: 32768 dropped too big
}
