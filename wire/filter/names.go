package filter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// protocolWords are the words for protocols.
var protocolWords = func() map[string]proto {
	words := map[string]proto{"link": linkProto}
	for p, entry := range protocols {
		if entry.name != "" {
			words[entry.name] = proto(p)
		}
	}
	return words
}()

// otherWords are the words of the language that are neither protocols nor numbers.
var otherWords = []string{
	"and", "or", "not", "src", "dst", "host", "net", "mask", "port", "portrange", "proto", "broadcast", "multicast", "less", "greater",
	"len", "length", "vlan", "inbound", "outbound",
}

// refusedWords are words of tcpdump's language that this package does not have, with what to do instead.
var refusedWords = map[string]string{
	"protochain": "IPv6 extension headers are looked behind without it where packets are shown",
	"gateway":    "ether host MAC finds what goes through a gateway",
	"byte":       "ether[offset] = value reads a byte",
	"ifindex":    "name the interface to capture on",
	"mpls":       "", "pppoed": "", "pppoes": "", "geneve": "", "vxlan": "", "fddi": "", "tr": "", "wlan": "", "ppp": "", "slip": "", "radio": "",
	"atalk": "ether proto 0x809b is not told from 802.3 here", "aarp": "", "decnet": "", "lat": "", "sca": "", "moprc": "", "mopdl": "", "iso": "", "esis": "",
	"es-is": "", "isis": "", "is-is": "", "clnp": "", "stp": "", "ipx": "", "netbeui": "", "l1": "", "l2": "", "iih": "", "lsp": "", "snp": "",
	"csnp": "", "psnp": "", "llc": "", "lane": "", "metac": "", "bcc": "", "sc": "", "ilmic": "", "oam": "", "oamf4": "", "oamf4ec": "",
	"oamf4sc": "", "connectmsg": "", "metaconnect": "", "vpi": "", "vci": "", "on": "", "ifname": "", "rnr": "", "rulenum": "", "reason": "",
	"rset": "", "ruleset": "", "srnr": "", "subrulenum": "", "action": "", "type": "", "subtype": "", "dir": "", "direction": "",
	"addr1": "", "addr2": "", "addr3": "", "addr4": "", "address1": "", "address2": "", "address3": "", "address4": "", "ra": "", "ta": "",
	"hopcount": "", "sio": "", "opc": "", "dpc": "", "sls": "", "fisu": "", "lssu": "", "lsu": "", "msu": "", "hfisu": "", "hlssu": "",
	"hlsu": "", "hmsu": "", "hsio": "", "hopc": "", "hdpc": "", "hsls": "",
}

// numberWords are names of numbers (pcap-filter(7)).
var numberWords = map[string]uint32{
	"icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1, "tcpflags": 13,

	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8, "icmp-routeradvert": 9,
	"icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15,
	"icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4, "icmp6-echo": 128,
	"icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130, "icmp6-multicastlistenerreportv1": 131,
	"icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133, "icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135,
	"icmp6-neighboradvert": 136, "icmp6-redirect": 137, "icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139,
	"icmp6-nodeinformationresponse": 140, "icmp6-ineighbordiscoverysolicit": 141, "icmp6-ineighbordiscoveryadvert": 142,
	"icmp6-multicastlistenerreportv2": 143, "icmp6-homeagentdiscoveryrequest": 144, "icmp6-homeagentdiscoveryreply": 145,
	"icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147, "icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149,
	"icmp6-multicastrouteradvert": 151, "icmp6-multicastroutersolicit": 152, "icmp6-multicastrouterterm": 153,

	"tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16, "tcp-urg": 32, "tcp-ece": 64, "tcp-cwr": 128,
}

// etherNames and ipNames are what may stand, by name, behind ether proto and ip proto.
var (
	etherNames = map[string]uint16{"ip": typeIP, "ip6": typeIP6, "arp": typeARP, "rarp": typeRARP, "loopback": 0x9000}
	ipNames    = map[string]uint8{
		"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmp6": 58, "pim": 103, "vrrp": 112,
		"sctp": 132, "udplite": 136,
	}
)

// allWords are all that begin a test, for hints.
func allWords() []string {
	all := slices.Clone(otherWords)
	for word := range protocolWords {
		all = append(all, word)
	}
	slices.Sort(all)
	return all
}

// reserved says that a word has a meaning of its own and can only be a name behind a backslash.
func reserved(word string) bool {
	_, isProtocol := protocolWords[word]
	_, isRefused := refusedWords[word]
	_, isNumber := numberWords[word]
	return isProtocol || isRefused || isNumber || slices.Contains(otherWords, word)
}

// Config says how names in a filter become numbers.
type Config struct {
	// LookupHost gives the addresses of a host; nil: a name of a host is refused. LookupSystem asks as every program does.
	LookupHost func(name string) ([]netip.Addr, error)
	// LookupPort gives the port of a service for "udp" or "tcp"; nil: what this machine's /etc/services and Go know, without asking
	// the network.
	LookupPort func(network, service string) (int, error)
}

// LookupSystem asks the system's resolver for the addresses of a host, and waits five seconds at most.
func LookupSystem(name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

func (c *Config) host(name string) ([]netip.Addr, error) {
	if c.LookupHost == nil {
		return nil, errors.New("names of hosts are not looked up here")
	}
	addrs, err := c.LookupHost(name)
	if err == nil && len(addrs) == 0 {
		err = errors.New("it has no address")
	}
	return addrs, err
}

// service gives the port of a service and the protocol that has it: anyProto where UDP and TCP both do.
func (c *Config) service(name string) (uint16, proto, error) {
	lookup := c.LookupPort
	if lookup == nil {
		lookup = func(network, service string) (int, error) {
			return (&net.Resolver{PreferGo: true}).LookupPort(context.Background(), network, service)
		}
	}
	udp, udpErr := lookup("udp", name)
	tcp, tcpErr := lookup("tcp", name)
	switch {
	case udpErr != nil && tcpErr != nil:
		return 0, 0, fmt.Errorf("no service is named %q", name)
	case udpErr != nil:
		return uint16(tcp), tcpProto, nil
	case tcpErr != nil:
		return uint16(udp), udpProto, nil
	case udp != tcp:
		return 0, 0, fmt.Errorf("%s is port %d of UDP and port %d of TCP", name, udp, tcp)
	}
	return uint16(udp), anyProto, nil
}
