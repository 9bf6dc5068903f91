package bench

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"dgram"
)

// environment describes this machine as it is now.
func environment() Environment {
	e := Environment{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Time: time.Now(),
		Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")), CPU: processor(read("/proc/cpuinfo")),
	}
	_, _ = fmt.Sscan(read("/proc/loadavg"), &e.Load[0], &e.Load[1], &e.Load[2])
	if info, ok := debug.ReadBuildInfo(); ok {
		e.Version = info.Main.Version
	}
	return e
}

// read returns a small file's content, "" where there is none.
func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

// processor finds the model in /proc/cpuinfo, which x86 and arm write differently.
func processor(cpuinfo string) string {
	for _, key := range []string{"model name", "Model", "CPU part"} {
		for line := range strings.Lines(cpuinfo) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}

// headers is what IP and UDP add to a payload, bytes.
func headers(e dgram.Endpoint) int {
	if e.Addr().Is4() {
		return 20 + 8
	}
	return 40 + 8
}

// sizeNote says, if it is so, that requests are larger than the way out takes in one packet.
func sizeNote(target dgram.Endpoint, longest int) string {
	if !target.Network().IP() || target.Network() == dgram.Memory {
		return ""
	}
	i, ok := wayOut(target)
	if !ok || longest+headers(target) <= i.MTU {
		return ""
	}
	return fmt.Sprintf("requests of %d bytes do not fit the MTU of %s (%d): each is cut into fragments, and one lost fragment loses it", longest, i.Name, i.MTU)
}

// wayOut is the interface that datagrams to an address leave by. Nothing is sent to find out.
func wayOut(target dgram.Endpoint) (net.Interface, bool) {
	c, err := net.Dial("udp", target.AddrPort().String())
	if err != nil {
		return net.Interface{}, false
	}
	defer c.Close()
	local, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return net.Interface{}, false
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return net.Interface{}, false
	}
	own := isOwn(target) // what stays on this host leaves by the loopback, whatever address it has
	for _, i := range interfaces {
		if own && i.Flags&net.FlagLoopback != 0 || !own && holds(i, local.IP) {
			return i, true
		}
	}
	return net.Interface{}, false
}

func holds(i net.Interface, ip net.IP) bool {
	addrs, err := i.Addrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// isOwn reports whether an address is this host's.
func isOwn(e dgram.Endpoint) bool {
	if e.Addr().IsLoopback() || e.Addr().IsUnspecified() {
		return true
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range interfaces {
		if holds(i, e.Addr().WithZone("").AsSlice()) {
			return true
		}
	}
	return false
}
