package server_test

import (
	"bytes"
	"context"
	"fmt"

	"dgram/client"
	"dgram/server"
)

// A server that answers with a function, and a call to it.
func Example() {
	ctx := context.Background()
	srv, err := server.Start(ctx, server.Config{Address: "127.0.0.1:0", Reply: bytes.ToTitle})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := client.Dial(ctx, srv.Endpoint().String(), client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	reply, err := c.Call(ctx, []byte("hello"))
	fmt.Printf("%s %v\n", reply, err)

	_ = srv.Shutdown(ctx)
	fmt.Println(srv.Summary().Answered, srv.Summary().Balance())
	// Output:
	// HELLO <nil>
	// 1 <nil>
}
