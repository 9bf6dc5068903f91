//go:build linux

package main

import (
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"dgram/internal/testnet"
)

// The addresses of the two namespaces. Probes come from a network of their own, which no attack uses, so that a limit on the attacker is no
// limit on them.
const (
	clientNets = "192.168.3.2/24 10.77.0.2/24 fd00:3::2/64"
	serverNets = "192.168.3.8/24 10.77.0.8/24 fd00:3::8/64"
)

var (
	clientAddr  = netip.MustParseAddr("192.168.3.2")
	probeAddr   = netip.MustParseAddr("10.77.0.2")
	clientAddr6 = netip.MustParseAddr("fd00:3::2")
	serverAddr  = netip.MustParseAddr("192.168.3.8")
	serverAddr6 = netip.MustParseAddr("fd00:3::8")
)

const servePort = 7000

// world is two namespaces joined by a link, the client's end and the server's, and the dgram under attack.
type world struct {
	*proof
	client, server *testnet.NS
	dgram          string // path of the program
	four           bool   // the link carries IPv4 alone
}

// newWorld makes one. Neighbours are known for ever, so that nothing waits for ARP, and its loss is not taken for that of a datagram.
func newWorld(p *proof) *world {
	p.Helper()
	testnet.Need(p, "ip", "tc", testnet.Namespaces)
	w := &world{proof: p, dgram: program(p)}
	w.client, w.server = testnet.Pair(p, clientNets, serverNets)
	w.introduce()
	return w
}

// introduce tells each end the hardware address of the other.
func (w *world) introduce() {
	w.Helper()
	clientMAC, serverMAC := hardware(w.proof, w.client), hardware(w.proof, w.server)
	for _, to := range w.addresses(serverNets) {
		w.ip(w.client, "neigh", "replace", to, "lladdr", serverMAC.String(), "nud", "permanent", "dev", w.client.Link)
	}
	for _, to := range w.addresses(clientNets) {
		w.ip(w.server, "neigh", "replace", to, "lladdr", clientMAC.String(), "nud", "permanent", "dev", w.server.Link)
	}
}

func (w *world) addresses(nets string) (all []string) {
	for _, n := range strings.Fields(nets) {
		if a := netip.MustParsePrefix(n).Addr(); a.Is4() || !w.four {
			all = append(all, a.String())
		}
	}
	return all
}

// onlyIPv4 takes IPv6 off the link: while a link is down, what neighbour discovery sends is lost too, and would be counted.
func (w *world) onlyIPv4() {
	w.Helper()
	w.four = true
	w.sysctl(w.client, "net.ipv6.conf."+w.client.Link+".disable_ipv6", "1")
	w.sysctl(w.server, "net.ipv6.conf."+w.server.Link+".disable_ipv6", "1")
}

func hardware(p *proof, n *testnet.NS) (mac net.HardwareAddr) {
	n.Do(func() {
		link, err := net.InterfaceByName(n.Link)
		if err != nil {
			p.Fatal(err)
		}
		mac = link.HardwareAddr
	})
	return mac
}

// ip runs ip(8) in a namespace.
func (w *world) ip(n *testnet.NS, args ...string) {
	w.Helper()
	w.run(nil, "ip", append([]string{"-n", n.Name}, args...)...)
}

// run runs a command that has to succeed, in a namespace or, with nil, outside, and returns what it printed.
func (p *proof) run(n *testnet.NS, name string, args ...string) string {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), name, args...)
	if n != nil {
		cmd = n.Command(p.Context(), name, args...)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Fatalf("%s: %v: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// sysctl sets a value of a namespace.
func (w *world) sysctl(n *testnet.NS, name, value string) {
	w.Helper()
	n.Do(func() {
		if err := os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0); err != nil {
			w.Fatal(err)
		}
	})
}

// built is the program of this tree, built once. Who runs proofs removes it at the end.
var built struct {
	once sync.Once
	dir  string
	err  error
	said []byte
}

func removeProgram() {
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

// program returns the path of dgram, built from this tree.
func program(p *proof) string {
	p.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "dgram-prove-"); built.err != nil {
			return
		}
		built.err = os.Chmod(built.dir, 0o755) // a server that gives up its privileges has to find it
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(built.dir, "dgram"), "dgram/cmd/dgram")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		built.said, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		p.Fatalf("building dgram: %v: %s", built.err, built.said)
	}
	return filepath.Join(built.dir, "dgram")
}

// qdiscDrops is how many packets the queue of a namespace's link has dropped, and how many wait in it (tc(8)).
func (w *world) qdisc(n *testnet.NS) (drops, queued uint64) {
	w.Helper()
	var all []struct {
		Drops uint64 `json:"drops"`
		Qlen  uint64 `json:"qlen"`
	}
	if err := json.Unmarshal([]byte(w.run(nil, "tc", "-n", n.Name, "-s", "-j", "qdisc", "show", "dev", n.Link)), &all); err != nil {
		w.Fatal(err)
	}
	for _, q := range all {
		drops, queued = drops+q.Drops, queued+q.Qlen
	}
	return drops, queued
}
