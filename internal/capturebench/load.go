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

// flows is how many senders' ports the datagrams come from.
const flows = 4

// load sends datagrams of os.Args[3] bytes to os.Args[2] for os.Args[4] seconds, os.Args[5] of them a second (0: as fast as they go), so
// many as os.Args[6] says to the kernel in one piece, and prints how many.
func load(ctx context.Context) error {
	if len(os.Args) != 7 {
		return errors.New("load ADDRESS:PORT BYTES SECONDS RATE TRAIN")
	}
	to, err := netip.ParseAddrPort(os.Args[2])
	size, err2 := strconv.Atoi(os.Args[3])
	seconds, err3 := strconv.ParseFloat(os.Args[4], 64)
	rate, err4 := strconv.ParseFloat(os.Args[5], 64)
	pieces, err5 := strconv.Atoi(os.Args[6])
	if err = errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	var from []*source
	for range flows {
		s, err := newSource(to, max(size, 8), max(pieces, 1))
		if err != nil {
			return err
		}
		defer s.close()
		from = append(from, s)
	}
	sent := 0
	began := time.Now()
	for ctx.Err() == nil {
		passed := time.Since(began).Seconds()
		if passed >= seconds {
			break
		}
		if rate > 0 && float64(sent) > passed*rate {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		for _, s := range from {
			n, err := s.send(sent)
			if err != nil {
				return err
			}
			sent += n
		}
	}
	fmt.Println(sent, time.Since(began).Seconds())
	return nil
}

// source is a socket with what it sends: one message of several datagrams (UDP_SEGMENT, udp(7)), or of one.
type source struct {
	socket *sock.Socket
	sender *sock.Sender
	data   []byte
	size   int
}

func newSource(to netip.AddrPort, size, pieces int) (*source, error) {
	socket, err := sock.New(sock.INET, sock.DGRAM, 0)
	if err != nil {
		return nil, err
	}
	s := &source{socket: socket, sender: socket.NewSender(1), data: make([]byte, size*pieces), size: size}
	s.sender.AddInet(to, netip.Addr{}, 0, s.data)
	if pieces > 1 {
		s.sender.SetSegment(size)
	}
	return s, nil
}

// send sends the datagrams once more, each another one, as in a stream.
func (s *source) send(number int) (int, error) {
	for at := 0; at < len(s.data); at += s.size {
		binary.BigEndian.PutUint64(s.data[at:], uint64(number))
		number++
	}
	n, err := s.sender.Send(0, true)
	if errors.Is(err, syscall.ENOBUFS) {
		err = nil
	}
	return n * (len(s.data) / s.size), err
}

func (s *source) close() { _ = s.socket.Close() }

// spin keeps a processor busy, beside the tool whose processor it is.
func spin(ctx context.Context) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; {
	}
	return nil
}
