package sock_test

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"time"

	"dgram/sock"
)

// The upper half of a server and the lower half of a client, call by call.
func Example() {
	server, err := sock.New(sock.INET, sock.DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	if err = server.Bind(sock.InetAddr{AddrPort: netip.MustParseAddrPort("127.0.0.1:0")}); err != nil {
		log.Fatal(err)
	}
	address, err := server.Local()
	if err != nil {
		log.Fatal(err)
	}

	client, err := sock.New(sock.INET, sock.DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if _, err = client.SendTo([]byte("hello"), 0, address); err != nil {
		log.Fatal(err)
	}

	buffer := make([]byte, 3)
	n, _, flags, err := server.RecvFrom(buffer, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %v\n", buffer[:n], flags)

	server.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _, _, err = server.RecvFrom(buffer, 0)
	fmt.Println("nothing more:", errors.Is(err, os.ErrDeadlineExceeded))
	// Output:
	// "hel" MSG_TRUNC
	// nothing more: true
}

// A call that fails says what is missing.
func ExampleError() {
	_, err := sock.New(sock.INET, sock.RAW, 0)
	var e *sock.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.What)
		fmt.Println(e.Hint)
	}
	// Output:
	// socket AF_INET SOCK_RAW 0
	// SOCK_RAW needs a protocol such as IPPROTO_ICMP (1): 0 is none
}
