package server_test

import (
	"context"
	"fmt"

	"dgram/client"
	"dgram/server"
)

// A server that answers with a function, and a call to it.
func Example() {
	ctx := context.Background()
	srv, err := server.Start(ctx, server.Config{Address: "127.0.0.1:0", Reply: func(request []byte) []byte {
		return append([]byte("you said: "), request...)
	}})
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
	// you said: hello <nil>
	// 1 <nil>
}
