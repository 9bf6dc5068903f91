package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
)

func Example() {
	network := dgramtest.NewNetwork()
	stop := serveUpper(network, "127.0.0.1:12345")
	defer stop()

	c, err := client.Open(client.Options{Open: func(peer dgram.Endpoint) (dgram.Conn, error) {
		return network.DialEndpoint(peer, dgram.Options{})
	}}, dgramtest.Endpoint("127.0.0.1:12345"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	reply, err := c.Call(context.Background(), []byte("hello"))
	fmt.Printf("%s %v\n", reply, err)
	fmt.Println(c.Summary().Balance())
	// Output:
	// HELLO <nil>
	// <nil>
}

func ExampleError() {
	network := dgramtest.NewNetwork()
	c, err := client.Open(client.Options{Open: func(peer dgram.Endpoint) (dgram.Conn, error) {
		return network.DialEndpoint(peer, dgram.Options{})
	}}, dgramtest.Endpoint("127.0.0.1:12345"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	_, err = c.Call(context.Background(), []byte("is anybody there?"))
	fmt.Println(err)
	fmt.Println(errors.Is(err, client.ErrRefused))
	// Output:
	// call 127.0.0.1:12345: refused: nothing listens there
	// true
}

// serveUpper answers in upper case until stop is called.
func serveUpper(network *dgramtest.Network, address string) (stop func()) {
	conn, err := network.Listen(address)
	if err != nil {
		panic(err)
	}
	go func() {
		b := conn.NewBatch(8)
		for conn.Recv(b) == nil {
			for i := range b.Datagrams {
				d := &b.Datagrams[i]
				d.SetData(bytes.ToUpper(d.Data))
			}
			_ = conn.Send(b)
		}
	}()
	return func() { conn.Close() }
}
