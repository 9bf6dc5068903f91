//go:build !linux

package dgram

import (
	"net"
	"os"
)

func listenFD(fd int, o Options) (Conn, error) {
	file := os.NewFile(uintptr(fd), "inherited socket")
	defer func() { _ = file.Close() }()
	packet, err := net.FilePacketConn(file)
	if err != nil {
		return nil, cause(err)
	}
	return adoptPacketConn(packet, o)
}
