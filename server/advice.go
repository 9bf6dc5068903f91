package server

import (
	"fmt"
	"syscall"

	"dgram"
)

// What listening fails with. Windows has numbers of its own for these (winsock2.h), which mean nothing elsewhere.
var (
	inUse         = []syscall.Errno{syscall.EADDRINUSE, 10048}
	noSuchAddress = []syscall.Errno{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, 10049, 10047}
	notAllowed    = []syscall.Errno{syscall.EACCES, syscall.EPERM, 10013}
	noMoreFiles   = []syscall.Errno{syscall.EMFILE, syscall.ENFILE, 10024}
	noSuchFolder  = []syscall.Errno{syscall.ENOENT, syscall.ENOTDIR}
	noSuchDevice  = []syscall.Errno{syscall.ENODEV, syscall.ENXIO}
)

// advice says what a person can do when listening on e failed with err.
func advice(e dgram.Endpoint, err error) string {
	switch {
	case isAny(err, inUse) && e.Network() == dgram.Unixgram:
		return "another program listens there, or something that is no socket has that name: choose another path"
	case isAny(err, inUse):
		return fmt.Sprintf("the address is in use by another program: choose another port, or stop it (ss -ulpn 'sport = :%d' shows it)", e.Port())
	case isAny(err, notAllowed) && e.Network().IP() && e.Port() != 0 && e.Port() < 1024:
		return "ports under 1024 are for root, or a program with CAP_NET_BIND_SERVICE: choose a port from 1024 on"
	case isAny(err, notAllowed):
		return "this user may not do that here"
	case isAny(err, noSuchAddress):
		return "no interface of this machine has that address (ip address shows those that it has): choose one of them, or 0.0.0.0 or [::] for all"
	case isAny(err, noMoreFiles):
		return "no more files can be open at once: allow more (ulimit -n), or use fewer addresses or shards"
	case e.Network() == dgram.Unixgram && isAny(err, noSuchFolder):
		return "the folder of that path does not exist: make it first"
	case isAny(err, noSuchDevice):
		return "there is no such interface, or no route that says by which one a multicast group is heard: name one of those that ip link shows"
	}
	return ""
}
