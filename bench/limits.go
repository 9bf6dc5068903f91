package bench

import (
	"errors"
	"fmt"
	"syscall"

	"dgram"
)

// options are what a flow's socket is opened with.
func (c *Config) options(p *plan) dgram.Options {
	o := c.Options
	o.Timestamps = p.clock == KernelClock
	o.GRO, o.NoGSO = c.GRO, !c.GSO
	if o.Buffer == 0 {
		o.Buffer = p.requests.longest() + spareRoom
		if c.GRO || !p.expect.exact() {
			o.Buffer = dgram.MaxPayload
		}
	}
	return o
}

// spareRoom makes an answer that is too long by little still show by its length.
const spareRoom = 64

// flowError says which flow could not be opened, and what is to be done about it.
func flowError(opened, flows int, err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.EMFILE):
		advice = fmt.Sprintf("this process may open no more descriptors (%s): raise it with `ulimit -n %d`, or use fewer flows", descriptorLimit(), flows+spareDescriptors)
	case errors.Is(err, syscall.ENFILE):
		advice = "the system has no descriptors left: raise fs.file-max with sysctl, or use fewer flows"
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAGAIN):
		advice = fmt.Sprintf("no port is left to send from (%s): widen net.ipv4.ip_local_port_range with sysctl, or use fewer flows", portRange())
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		advice = "the system has no memory left for sockets: use fewer flows"
	}
	if advice == "" {
		return fmt.Errorf("open flow %d of %d: %w", opened+1, flows, err)
	}
	return fmt.Errorf("open flow %d of %d: %w: %s", opened+1, flows, err, advice)
}

// spareDescriptors are those that a process has open besides its flows.
const spareDescriptors = 64

// checkLimits refuses, before any socket is opened, more flows than this process can have.
func checkLimits(flows int, network dgram.Network) error {
	if limit, ok := descriptors(); ok && flows > limit-spareDescriptors/4 {
		return fmt.Errorf("%d flows need as many descriptors, and this process may open %d: raise the limit with `ulimit -n %d`, or use fewer flows: %w",
			flows, limit, flows+spareDescriptors, syscall.EMFILE)
	}
	if first, last, ok := ports(); ok && network.IP() && flows > last-first+1 {
		return fmt.Errorf("%d flows need as many source ports, and the system gives out %d (net.ipv4.ip_local_port_range is %d %d): use fewer flows, or widen it with `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`, which makes %d: %w",
			flows, last-first+1, first, last, 65535-1024+1, syscall.EADDRINUSE)
	}
	return nil
}

func descriptorLimit() string {
	if limit, ok := descriptors(); ok {
		return fmt.Sprintf("the limit is %d", limit)
	}
	return "the limit is reached"
}

func portRange() string {
	if first, last, ok := ports(); ok {
		return fmt.Sprintf("%d to %d are given out", first, last)
	}
	return "all are taken"
}
