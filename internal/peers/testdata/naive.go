// naive ADDRESS PORT: the server that one writes first in Go.
package main

import (
	"log"
	"net"
	"os"
)

func main() {
	conn, err := net.ListenPacket("udp4", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 65535)
	for {
		n, peer, err := conn.ReadFrom(buffer)
		if err != nil {
			log.Fatal(err)
		}
		for i, c := range buffer[:n] {
			if 'a' <= c && c <= 'z' {
				buffer[i] = c - 0x20
			}
		}
		if _, err := conn.WriteTo(buffer[:n], peer); err != nil {
			log.Print(err)
		}
	}
}
