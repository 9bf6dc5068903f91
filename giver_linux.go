package dgram

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"dgram/sock"
)

func listenFD(fd int, o Options) (Conn, error) {
	open := sock.FromFD
	if o.Blocking && !o.Portable {
		open = sock.FromFDBlocking
	}
	s, err := open(fd)
	if err != nil {
		return nil, err
	}
	c, err := adopt(s, o)
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(s.Close()))
	}
	return c, nil
}

// adopt makes a Conn of a socket that somebody else opened.
func adopt(s *sock.Socket, o Options) (Conn, error) {
	udp := (s.Family() == sock.INET || s.Family() == sock.INET6) && s.Proto() == sock.ProtoUDP
	if s.Type() != sock.DGRAM || !udp && s.Family() != sock.UNIX {
		return nil, fmt.Errorf("it is a socket of %v %v: only UDP and unix datagram sockets can be served "+
			"(ListenDatagram= in a systemd socket unit, --datagram of systemd-socket-activate)", s.Family(), s.Type())
	}
	if bound, err := isBound(s); err != nil || !bound {
		return nil, errors.Join(err, errors.New("the socket is bound to no address, so nobody can send to it"))
	}
	switch {
	case o.Portable:
		return adoptPortable(s, o)
	case udp:
		return adoptUDP(s, o)
	}
	return adoptUnixgram(s, o)
}

func isBound(s *sock.Socket) (bool, error) {
	local, err := s.Local()
	switch a := local.(type) {
	case sock.InetAddr:
		return a.Port() != 0, err
	case sock.UnixAddr:
		return a.Name != "" || a.Abstract, err
	}
	return false, err
}

func adoptUDP(s *sock.Socket, o Options) (Conn, error) {
	iface, err := interfaceIndex(o.Interface)
	if err != nil {
		return nil, err
	}
	setup := &setup{s: s, joined: true}
	setup.raise(o)
	setup.device(o)
	if o.Broadcast {
		setup.set(sock.SOBroadcast, 1)
	}
	local, err := s.Local()
	if err != nil {
		return nil, err
	}
	network := networkOf(s)
	if a, ok := local.(sock.InetAddr); ok {
		setup.after(IPEndpoint(network, a.AddrPort), o, iface)
	}
	if setup.err != nil {
		return nil, setup.err
	}
	c, err := setup.conn(network, o)
	if err != nil {
		return nil, err
	}
	c.given = true
	return c, nil
}

// networkOf is UDP6 for a socket that hears every IPv6 address and no IPv4 address, else UDP.
func networkOf(s *sock.Socket) Network {
	if s.Family() == sock.INET6 {
		local, err := s.Local()
		a, ok := local.(sock.InetAddr)
		only, onlyErr := s.Get(sock.IPv6Only)
		if err == nil && onlyErr == nil && ok && a.Addr().IsUnspecified() && only != 0 {
			return UDP6
		}
	}
	return UDP
}

func adoptUnixgram(s *sock.Socket, o Options) (Conn, error) {
	setup := &setup{s: s}
	setup.raise(o)
	if o.Timestamps {
		setup.set(sock.SOTimestampNS, 1)
	}
	if setup.err != nil {
		return nil, setup.err
	}
	c, err := newKernelConn(s, Unixgram, o)
	if err != nil {
		return nil, err
	}
	c.caps.SeesRefusals, c.caps.Timestamps, c.caps.ReceiveBuffer = true, o.Timestamps, setup.granted
	if o.OwnPath {
		c.unlink = unlinker(c.local.Path())
	}
	return c, nil
}

// adoptPortable gives the socket to package net.
func adoptPortable(s *sock.Socket, o Options) (Conn, error) {
	file, err := s.File()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	packet, err := net.FilePacketConn(file)
	if err != nil {
		return nil, cause(err)
	}
	c, err := adoptPacketConn(packet, o)
	if err != nil {
		return nil, err
	}
	return c, s.Close()
}

// raise asks for larger buffers where the system grants more than the socket has.
func (u *setup) raise(o Options) {
	if u.granted, u.err = u.s.Get(sock.SORcvBuf); u.err != nil {
		return
	}
	probe, err := sock.New(u.s.Family(), sock.DGRAM, 0)
	if err != nil {
		return // without a second socket the first keeps what it has
	}
	defer func() { _ = probe.Close() }()
	if granted, err := probe.GrowBuffers(o.ReceiveBuffer, o.SendBuffer); err == nil && granted > u.granted {
		u.buffers(o)
	}
}

// device binds the socket to the interface that Options name, if it is bound to none.
func (u *setup) device(o Options) {
	if u.err != nil || o.Interface == "" {
		return
	}
	var name [16]byte // IFNAMSIZ
	n, err := u.s.GetBytes(sock.SOBindToDevice, name[:])
	if err != nil {
		u.err = err
		return
	}
	switch bound, _, _ := bytes.Cut(name[:n], []byte{0}); string(bound) {
	case o.Interface:
	case "":
		if err := u.s.SetBytes(sock.SOBindToDevice, []byte(o.Interface)); err != nil {
			u.err = fmt.Errorf("bind to interface %s: %w", o.Interface, err)
		}
	default:
		u.err = fmt.Errorf("the socket is bound to interface %s, not to %s", bound, o.Interface)
	}
}
