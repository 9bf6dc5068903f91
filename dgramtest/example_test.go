package dgramtest_test

import (
	"fmt"
	"log"

	"dgram"
	"dgram/dgramtest"
)

// A rule loses the first datagram; the second gets through.
func Example() {
	network := dgramtest.NewNetwork(dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
		return dgramtest.Verdict{Drop: p.Index == 0}
	}))
	server, err := network.Listen("192.0.2.1:53")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := network.Dial("192.0.2.1:53")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	b := client.NewBatch(2)
	b.Add(dgram.Endpoint{}, []byte("first"))
	b.Add(dgram.Endpoint{}, []byte("second"))
	if err := client.Send(b); err != nil {
		log.Fatal(err)
	}
	b = server.NewBatch(2)
	if err := server.Recv(b); err != nil {
		log.Fatal(err)
	}
	for _, d := range b.Datagrams {
		fmt.Printf("%s from %v at %v\n", d.Data, d.Peer.Addr(), d.Local)
	}
	// Output: second from 127.0.0.1 at 192.0.2.1:53
}
