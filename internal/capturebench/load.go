//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"dgram/sock"
)

const batch = 64

// load sends datagrams of os.Args[3] bytes to os.Args[2] for so many seconds, os.Args[5] of them a second (0: as fast as they go), and prints
// how many.
func load(ctx context.Context) error {
	if len(os.Args) != 6 {
		return errors.New("load ADDRESS:PORT BYTES SECONDS RATE")
	}
	to, err := netip.ParseAddrPort(os.Args[2])
	size, err2 := strconv.Atoi(os.Args[3])
	seconds, err3 := strconv.ParseFloat(os.Args[4], 64)
	rate, err4 := strconv.ParseFloat(os.Args[5], 64)
	if err = errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	s, err := sock.New(sock.INET, sock.DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	sender := s.NewSender(batch)
	payloads := make([][]byte, batch)
	for i := range payloads {
		payloads[i] = make([]byte, max(size, 8))
		sender.AddInet(to, netip.Addr{}, 0, payloads[i])
	}
	sent := 0
	began := time.Now()
	for ctx.Err() == nil {
		passed := time.Since(began).Seconds()
		if passed >= seconds {
			break
		}
		if rate > 0 && float64(sent) > passed*rate {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		for i, p := range payloads { // each is another one, as in a stream
			binary.BigEndian.PutUint64(p, uint64(sent+i))
		}
		n, err := sender.Send(0, true)
		if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			return err
		}
		sent += n
	}
	fmt.Println(sent, time.Since(began).Seconds())
	return nil
}
