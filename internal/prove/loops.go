//go:build linux

package main

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"dgram/internal/testnet"
	"dgram/sock"
)

// mostInLoop is how many packets one injected packet may bring about.
const mostInLoop = 256

// proveEndsLoops is promise 2: two servers that answer each other fall silent, and what no client can have sent gets no answer at all.
func proveEndsLoops(p *proof) {
	testnet.Need(p, "socat", "ncat")
	w := newWorld(p)
	w.onlyIPv4()
	delays := []string{"0ms", "100ms"}
	if p.short {
		delays = []string{"0ms", "5ms"}
	}
	most, cases := uint64(0), 0
	for name, peer := range echoers {
		for _, delay := range delays {
			w.step(name+", "+delay, func() {
				n := w.loop(peer, "--stage", "upper", "--stage", "delay:"+delay)
				p.Logf("ours and %s, %s: %d packets", name, delay, n)
				if n > mostInLoop || n < 3 { // with fewer there was no loop to end
					p.Errorf("ours and %s, %s: %d packets after one was injected; at most %d are allowed", name, delay, n, mostInLoop)
				}
				most, cases = max(most, n), cases+1
			})
		}
	}
	p.sentf("one packet between ours and each of %d peers", cases)
	p.seenf("at most %d packets, then silence", most)
	sources := w.silentSources()
	p.sentf("packets from %d sources that no client has, with rp_filter 0, 1 and 2", sources)
	p.seenf("no answer to any")
}

// echoers are peers that answer every datagram, each started in the client's namespace on a port.
var echoers = map[string]func(*world, uint16){
	"another of ours": func(w *world, port uint16) {
		at := netip.AddrPortFrom(clientAddr, port)
		w.start(w.client, at, "serve", at.String(), "--json", "--quiet", "--limit", "off")
	},
	"one of ours that echoes": func(w *world, port uint16) {
		at := netip.AddrPortFrom(clientAddr, port)
		w.start(w.client, at, "serve", at.String(), "--json", "--quiet", "--limit", "off", "--stage", "echo")
	},
	"an upper-casing socat": func(w *world, port uint16) {
		w.daemon(w.client, port, "socat", fmt.Sprintf("UDP4-RECVFROM:%d,fork", port), "SYSTEM:tr a-z A-Z")
	},
	"ncat": func(w *world, port uint16) {
		w.daemon(w.client, port, "ncat", "--udp", "--listen", "--keep-open", "--exec", "/bin/cat", clientAddr.String(), strconv.Itoa(int(port)))
	},
	"an echo peer": func(w *world, port uint16) { w.echo(port) },
}

// loopPort counts up, so that no case meets what is left of another.
var loopPort = uint16(20000)

// loop starts ours and a peer, injects one packet that seems to come from the peer, and returns how many crossed the link until there was silence.
func (w *world) loop(peer func(*world, uint16), flags ...string) uint64 {
	w.Helper()
	loopPort++
	port := loopPort
	s := w.serve(serverAddr, append(w.unguarded(), flags...)...)
	defer s.stop()
	peer(w, port)
	in := w.newInjector(w.client, w.server)
	before := w.read(w.server)
	from := netip.AddrPortFrom(clientAddr, port)
	in.put(ipv4(from.Addr(), s.addr.Addr(), header4{proto: protoUDP}, udp(from, s.addr, []byte("hello"))))
	in.flush()
	var n uint64
	last := time.Now()
	w.eventually("silence", time.Minute, func() bool {
		d := w.read(w.server).since(before)
		if now := d["rx_packets"] + d["tx_packets"]; now != n {
			n, last = now, time.Now()
		}
		return time.Since(last) > 600*time.Millisecond || n > 4*mostInLoop
	})
	return n
}

// daemon starts a program that answers on a UDP port, in a process group of its own, which it ends with the proof.
func (w *world) daemon(n *testnet.NS, port uint16, name string, args ...string) {
	w.Helper()
	cmd := n.Command(w.Context(), name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { endGroup(cmd) })
	w.eventually(name+" listens", patience, func() (listening bool) {
		n.Do(func() {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: clientAddr.AsSlice(), Port: int(port)})
			if listening = err != nil; !listening {
				c.Close()
			}
		})
		return listening
	})
}

func endGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

// echo answers on a port of the client's namespace until the proof ends.
func (w *world) echo(port uint16) {
	w.Helper()
	var c *net.UDPConn
	var err error
	w.client.Do(func() { c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: clientAddr.AsSlice(), Port: int(port)}) })
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
}

// silentSources sends from every source that gets no answer, with each kind of the kernel's own filter, and returns how many there are.
func (w *world) silentSources() int {
	w.Helper()
	s := w.serve(serverAddr, w.unguarded()...)
	in := w.newInjector(w.client, w.server)
	probe := w.newProber(probeAddr, s.addr)
	from := forbiddenSources()
	for filter := range 3 {
		for _, scope := range []string{"all", w.server.Link} {
			w.sysctl(w.server, "net.ipv4.conf."+scope+".rp_filter", strconv.Itoa(filter))
		}
		before := w.read(w.server)
		for _, a := range from {
			in.put(ipv4(a.Addr(), s.addr.Addr(), header4{proto: protoUDP}, udp(a, s.addr, []byte("hello"))))
		}
		in.flush()
		w.toItself(s.addr)
		w.still("the packets have been looked at", patience, func() uint64 { return w.read(w.server)["Udp.InDatagrams"] })
		if n := w.read(w.server).since(before)["Udp.OutDatagrams"]; n != 0 {
			w.Errorf("with rp_filter %d, %d of %d packets from sources that no client has were answered", filter, n, len(from))
		}
		if !probe.ask("rp_filter") {
			w.Errorf("with rp_filter %d a probe was not answered", filter)
		}
	}
	s.stop()
	return len(from) + 1
}

// forbiddenSources are ports below 1024, port 2049, and addresses that nobody has.
func forbiddenSources() (all []netip.AddrPort) {
	for port := range uint16(1024) {
		all = append(all, netip.AddrPortFrom(clientAddr, port))
	}
	all = append(all, netip.AddrPortFrom(clientAddr, 2049))
	for _, a := range []string{"0.0.0.0", "0.1.2.3", "192.168.3.255", "192.168.3.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "240.0.0.1", "254.255.255.255"} {
		all = append(all, netip.AddrPortFrom(netip.MustParseAddr(a), 40000))
	}
	return append(all, netip.AddrPortFrom(serverAddr, servePort), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), servePort))
}

// toItself sends a datagram to the server that seems to come from the server's own socket, on its own machine.
func (w *world) toItself(at netip.AddrPort) {
	w.Helper()
	var s *sock.Socket
	var err error
	w.server.Do(func() { s, err = sock.New(sock.INET, sock.RAW, sock.ProtoRaw) })
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	packet := ipv4(at.Addr(), at.Addr(), header4{proto: protoUDP}, udp(at, at, []byte("hello")))
	if _, err := s.SendTo(packet, 0, sock.InetAddr{AddrPort: netip.AddrPortFrom(at.Addr(), 0)}); err != nil {
		w.Fatal(err)
	}
}
