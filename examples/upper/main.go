// Program upper serves the teaching text's upper-case service, and asks it once.
package main

import (
	"context"
	"fmt"

	"dgram/client"
	"dgram/server"
)

func main() {
	srv, err := server.Start(context.Background(), server.Config{Address: "127.0.0.1:0"})
	if err != nil {
		panic(err)
	}
	reply, err := client.Call(context.Background(), srv.Endpoint().String(), []byte("hello"))
	fmt.Printf("%s %v\n", reply, err)
}
