//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const (
	device  = "veth0"
	subnet  = "10.44.0."
	sink    = subnet + "99" // is nobody: a neighbour that was never asked for its address, so that no answer comes back
	filter  = "udp port 9"
	port    = "9"
	sinkMAC = "02:00:00:00:00:99"
)

// network is two namespaces with a veth pair between them.
type network struct{ left, right string }

func makeNetwork() (network, error) {
	n := network{fmt.Sprintf("dgram-cb-%d-l", os.Getpid()), fmt.Sprintf("dgram-cb-%d-r", os.Getpid())}
	for _, args := range []string{
		"netns add " + n.left,
		"netns add " + n.right,
		"-n " + n.left + " link add " + device + " type veth peer name " + device + " netns " + n.right,
		"-n " + n.left + " address add " + subnet + "1/24 dev " + device,
		"-n " + n.right + " address add " + subnet + "2/24 dev " + device,
		"-n " + n.left + " link set " + device + " up",
		"-n " + n.right + " link set " + device + " up",
		"-n " + n.left + " neighbour add " + sink + " lladdr " + sinkMAC + " dev " + device,
	} {
		if err := ip(args); err != nil {
			n.remove()
			return n, err
		}
	}
	return n, nil
}

// trains says whether what was sent in one piece passes in one piece. Where not, the kernel makes frames of it before the link, which costs
// the sender much less than to send each by itself.
func (n network) trains(whole bool) error {
	most := "1"
	if whole {
		most = "65535"
	}
	return ip("-n " + n.left + " link set " + device + " gso_max_segs " + most)
}

func (n network) remove() {
	for _, name := range []string{n.left, n.right} {
		_ = exec.Command("ip", "netns", "delete", name).Run()
	}
}

func ip(args string) error {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}

// inside is a command line that runs on a processor in a namespace, as urgent as some more words say. All programs of it replace
// themselves by the next.
func inside(namespace, cpu, urgency string, command []string) []string {
	words := []string{"ip", "netns", "exec", namespace, "taskset", "-c", cpu}
	return append(append(words, strings.Fields(urgency)...), command...)
}

// How urgent they are: the sender before everything else, a tool before other programs that the machine may be running, and the one that
// makes its processor busy so that the tool has about a quarter of it (nice(1): each step is a factor of 1.25).
const (
	sending   = "chrt -f 1"
	recording = "nice -n -10"
	spinning  = "nice -n -15"
)
