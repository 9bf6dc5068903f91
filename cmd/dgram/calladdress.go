package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"dgram"
)

// takeAddress splits the arguments. The rule is one that can be known without looking: the first argument is the address, always. Where it
// turns out to be none, the error says how the message would have been written.
func (c *call) takeAddress(args []string) error {
	address := ":"
	if len(args) > 0 {
		address, c.words = args[0], args[1:]
	}
	if address == ":" || address == "" {
		address = "127.0.0.1"
	}
	var err error
	if c.target, err = dgram.ParseAddress(address, "127.0.0.1"); err != nil {
		return fmt.Errorf("the first argument is the address: %w; %s", err, asMessage(args))
	}
	_, literal := c.target.Literal()
	c.guess = !literal && !strings.ContainsAny(args[0], ".:")
	if c.target.Network.IP() && c.target.Port == 0 {
		return fmt.Errorf("nobody can be called on port 0: give the port that the server's ready line names, as in %s", c.target.Host+":12345")
	}
	return nil
}

// asMessage says how arguments are written that were meant as the message.
func asMessage(args []string) string {
	return "to send a message to 127.0.0.1:12345 type: dgram call : " + quoted(args)
}

// quoted writes arguments as they could be typed.
func quoted(args []string) string {
	var typed []string
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$`*?!&|;<>()[]{}#~", r) }) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		typed = append(typed, a)
	}
	return strings.Join(typed, " ")
}

// resolveTimeout bounds the look-up of the peer's name.
const resolveTimeout = 10 * time.Second

// resolve returns the peer's addresses, the system's first choice first.
func (c *call) resolve(ctx context.Context) ([]dgram.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	peers, err := dgram.Resolve(ctx, c.target)
	if err != nil {
		if unknown := new(net.DNSError); c.guess && errors.As(err, &unknown) && unknown.IsNotFound {
			return nil, fmt.Errorf("the first argument is the address, and no host is called %q; %s", c.target.Host,
				asMessage(append([]string{c.target.Host}, c.words...)))
		}
		return nil, err
	}
	return peers, c.checkCast(peers[0])
}

// checkCast holds --broadcast and --multicast to the address, so that nothing is sent to many by mistake.
func (c *call) checkCast(peer dgram.Endpoint) error {
	many := peer.Addr().IsMulticast()
	switch {
	case many && !c.multicast:
		return fmt.Errorf("%s is a multicast group: say --multicast to ask all its members", peer)
	case c.multicast && !many:
		return fmt.Errorf("--multicast: %s is no multicast group: IPv4 ones are 224.0.0.0 to 239.255.255.255, IPv6 ones begin with ff", peer)
	case peer.Addr() == limitedBroadcast && !c.broadcast:
		return fmt.Errorf("%s is everybody on this network: say --broadcast to ask them all", peer)
	case c.broadcast && !peer.Addr().Is4():
		return fmt.Errorf("--broadcast: %s has no broadcast: only IPv4 has it; IPv6 has the multicast group ff02::1", peer)
	}
	return nil
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
