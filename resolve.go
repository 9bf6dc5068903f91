package dgram

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Resolve returns the endpoints that an address stands for, in the order in which the system would try them (RFC 6724). A literal address
// stands for one, a name for at least one. Addresses of a family that the network excludes (udp4, udp6) are left out.
func Resolve(ctx context.Context, a Address) ([]Endpoint, error) {
	if e, ok := a.Literal(); ok {
		if err := fits(a.Network, e.Addr()); err != nil {
			return nil, &OpError{Op: "resolve", Endpoint: a.String(), Err: err}
		}
		return []Endpoint{e}, nil
	}
	family := map[Network]string{UDP4: "ip4", UDP6: "ip6"}[a.Network]
	if family == "" {
		family = "ip"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, family, a.Host)
	if err != nil {
		return nil, &OpError{Op: "resolve", Endpoint: a.String(), Err: lookupError(a.Host, err)}
	}
	found := make([]Endpoint, 0, len(addrs))
	for _, addr := range addrs {
		found = append(found, IPEndpoint(a.Network, netip.AddrPortFrom(addr, a.Port)))
	}
	return found, nil
}

func lookupError(host string, err error) error {
	var none *net.AddrError // the name has addresses, all of the other family
	if errors.As(err, &none) {
		return fmt.Errorf("%q has no address of that family: use udp:// for any: %w", host, err)
	}
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return err
	}
	switch {
	case dns.IsNotFound:
		return fmt.Errorf("no host is called %q: check the name, or give its address: %w", host, err)
	case dns.IsTimeout:
		return fmt.Errorf("the name server did not answer about %q: give the host's address: %w", host, err)
	}
	return fmt.Errorf("the name %q could not be looked up: give the host's address: %w", host, err)
}

// fits refuses an address of the other family than the network names.
func fits(n Network, addr netip.Addr) error {
	switch {
	case n == UDP4 && !addr.Is4():
		return fmt.Errorf("%s is no IPv4 address: use udp6:// or udp://", addr)
	case n == UDP6 && addr.Is4():
		return fmt.Errorf("%s is no IPv6 address: use udp4:// or udp://", addr)
	}
	return nil
}
