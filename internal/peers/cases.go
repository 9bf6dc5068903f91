//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

// A server is a program that answers in upper case. In its command {dir} is where the programs were built, {host} and {port} where it is to listen.
type server struct {
	name    string
	needs   string // the tool that has to be there
	command string // words, divided by spaces
}

const (
	ours     = "dgram"
	oursSpin = "dgram --spin"
	recvfrom = "C recvfrom"
	mmsg     = "C mmsg"
	mmsgSpin = "C mmsg spin"
	gro      = "C gro"
	naiveGo  = "naive Go"
	python   = "naive Python"
	node     = "naive Node"
	socat    = "socat"
	ncat     = "ncat"
)

// socat makes a process for each datagram, ncat one for each peer.
var servers = []server{
	{ours, "go", "{dir}/dgram serve --quiet {host}:{port}"},
	{oursSpin, "go", "{dir}/dgram serve --quiet --spin {host}:{port}"},
	{recvfrom, "cc", "{dir}/recvfrom {host} {port}"},
	{mmsg, "cc", "{dir}/mmsg {host} {port}"},
	{mmsgSpin, "cc", "{dir}/mmsg {host} {port} spin"},
	{gro, "cc", "{dir}/gro {host} {port}"},
	{naiveGo, "go", "{dir}/naive {host} {port}"},
	{python, "python3", "python3 {dir}/naive.py {host} {port}"},
	{node, "node", "node {dir}/naive.js {host} {port}"},
	{socat, "socat", "socat -b 65536 UDP4-RECVFROM:{port},bind={host},fork EXEC:{dir}/upper.sh"},
	{ncat, "ncat", "ncat -u -l -k -e {dir}/upper.sh {host} {port}"},
}

func (s server) args(dir, host, port string) []string {
	return strings.Fields(strings.NewReplacer("{dir}", dir, "{host}", host, "{port}", port).Replace(s.command))
}

func find(name string) server {
	return servers[slices.IndexFunc(servers, func(s server) bool { return s.name == name })]
}

// A scenario is a load, the servers that are put under it, and the one that the others are held to.
type scenario struct {
	name      string
	load      []string
	reference string
	servers   []string
}

func scenarios() []scenario {
	all := []scenario{
		single("64", []string{recvfrom, ours, mmsg, naiveGo, python, node, socat, ncat}),
		single("1400", []string{recvfrom, ours, mmsg}),
		{
			"64 bytes, 1 flow of 1, spinning", words("--size 64 --flows 1 --window 1"), mmsgSpin, []string{mmsgSpin, oursSpin},
		},
	}
	for _, size := range []string{"5", "64", "512", "1400", "mixed"} {
		for _, flows := range [][2]int{{1, 64}, {64, 4}, {1024, 1}} {
			s := scenario{plural(size, flows), flags(size, flows), mmsg, []string{mmsg, ours, recvfrom, gro}}
			if size == "64" {
				s.servers = append(s.servers, naiveGo, python, node)
			}
			all = append(all, s)
		}
	}
	for _, h := range []struct {
		size  string
		flows [2]int
	}{{"64", [2]int{1, 512}}, {"64", [2]int{64, 64}}, {"1400", [2]int{1, 256}}, {"1400", [2]int{64, 64}}} {
		all = append(all, scenario{
			plural(h.size, h.flows) + ", segmented", append(flags(h.size, h.flows), "--gso", "--gro"), gro, []string{gro, ours, mmsg, naiveGo},
		})
	}
	return all
}

func single(size string, servers []string) scenario {
	one := [2]int{1, 1}
	return scenario{plural(size, one), flags(size, one), recvfrom, servers}
}

func plural(size string, flows [2]int) string {
	bytes, flow := size+" bytes", fmt.Sprintf("%d flows", flows[0])
	if size == "mixed" {
		bytes = "mixed sizes"
	}
	if flows[0] == 1 {
		flow = "1 flow"
	}
	return fmt.Sprintf("%s, %s of %d", bytes, flow, flows[1])
}

func flags(size string, flows [2]int) []string {
	return words(fmt.Sprintf("--size %s --flows %d --window %d", size, flows[0], flows[1]))
}

func words(s string) []string { return strings.Fields(s) }

// choose leaves what the options ask for. A case keeps its reference.
func choose(o options) []scenario {
	var chosen []scenario
	for _, s := range scenarios() {
		if !o.cases.MatchString(s.name) {
			continue
		}
		s.servers = slices.DeleteFunc(s.servers, func(name string) bool { return name != s.reference && !o.servers.MatchString(name) })
		chosen = append(chosen, s)
	}
	return chosen
}
