package dgram

import (
	"sync"

	"dgram/sock"
)

// atomicSends has an IPv4 socket send atomic datagrams (RFC 6864, Section 4: "don't fragment", and no identification) although it may send fragments. DF
// is set by the system's default too; what is saved is the number: a hash, and a counter that all processors share, for each packet that
// an unconnected socket sends. The first datagram that does not fit the path ends it, and is sent as the default would have sent it.
type atomicSends struct {
	mu      sync.Mutex
	socket  *sock.Socket
	value   int  // of IP_MTU_DISCOVER, while it sends them
	may     bool // the socket was as the system makes it, so whoever set it to what it is now is us
	suspend int  // how many want it to stay as the system makes it: other processes send from the socket too
}

// init begins it on a socket with the address local, if that sends IPv4 and nobody has chosen otherwise.
func (a *atomicSends) init(s *sock.Socket, local Endpoint) {
	a.socket, a.value = s, sock.MTUDiscoverDo
	if local.Addr().IsLoopback() {
		a.value = sock.MTUDiscoverProbe // the device is the path, and to look up what is known of it costs as much again
	}
	if s.Family() == sock.INET6 {
		if only, err := s.Get(sock.IPv6Only); err != nil || only != 0 {
			return
		}
	}
	now, err := s.Get(sock.IPMTUDiscover)
	a.may = err == nil && now == sock.MTUDiscoverWant && s.Set(sock.IPMTUDiscover, a.value) == nil
}

// end lets the socket send fragments from here on, and reports whether it did not before.
func (a *atomicSends) end() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	ended := a.restore()
	a.may = false
	return ended
}

func (a *atomicSends) restore() bool {
	if !a.may {
		return false
	}
	now, err := a.socket.Get(sock.IPMTUDiscover)
	return err == nil && now == a.value && a.socket.Set(sock.IPMTUDiscover, sock.MTUDiscoverWant) == nil
}

// keep is Giver.Keep.
func (a *atomicSends) keep(steady bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if steady {
		if a.suspend++; a.suspend == 1 {
			a.restore()
		}
	} else if a.suspend--; a.suspend == 0 && a.may {
		_ = a.socket.Set(sock.IPMTUDiscover, a.value)
	}
}
