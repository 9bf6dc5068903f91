package main

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"

	"dgram"
	"dgram/server"
	"dgram/stage"
)

// stageNotes is the end of serve's help: what a SPEC and a rule can be.
func stageNotes() string {
	return "Stages, as --stage takes them:\n" + stage.Usage() + "\nRules, in --rules FILE and in rule:\n" + stage.RulesUsage
}

// notes are what a person should know about a server that has just begun, a line each.
func (f *serveFlags) notes(srv *server.Server, cfg server.Config) (notes []string) {
	notes = append(notes, f.guards.notes(reachable(srv.Endpoints()))...)
	if deaf := deafTo(srv.Endpoints(), cfg.Options.Join); deaf != "" {
		notes = append(notes, deaf)
	}
	if hasFaults(cfg.Plan) && !f.seedGiven {
		notes = append(notes, fmt.Sprintf("the faults are those of --seed %d: give it to have the same ones again", f.seed))
	}
	if f.bufferGiven {
		if note := f.granted(srv); note != "" {
			notes = append(notes, note)
		}
	}
	if f.verbose {
		for i, caps := range srv.Caps() {
			notes = append(notes, f.chosen(srv.Endpoints()[i], caps))
		}
	}
	return notes
}

// chosen says how a socket is served.
func (f *serveFlags) chosen(e dgram.Endpoint, caps dgram.Caps) string {
	waiting := "waits in the kernel"
	switch {
	case caps.Transport != "kernel":
		waiting = "waits in Go's poller"
	case f.spin:
		waiting = "never waits"
	}
	batch := "one datagram a call"
	if caps.Batch {
		batch = "up to 64 datagrams a call"
	}
	return fmt.Sprintf("%s: %s transport, %s, %s; %s", e, caps.Transport, waiting, batch, offloadNote(caps.GRO))
}

func offloadNote(on bool) string {
	if on {
		return "receive offload (UDP_GRO) is on: a heavy flow arrives"
	}
	return "receive offload (UDP_GRO) is off: no heavy flow arrives"
}

// reachable returns those of the endpoints that others than this machine can send to.
func reachable(all []dgram.Endpoint) (open []string) {
	for _, e := range all {
		if e.Network().IP() && !e.Addr().IsLoopback() {
			open = append(open, e.String())
		}
	}
	return open
}

func deafTo(all []dgram.Endpoint, groups []dgram.Address) string {
	for _, e := range all {
		if len(groups) > 0 && e.Network().IP() && !e.Addr().IsUnspecified() && !e.Addr().IsMulticast() {
			return fmt.Sprintf("%s hears no group, since it is one address of this machine: listen on %s", e, netip.AddrPortFrom(unspecified(e), e.Port()))
		}
	}
	return ""
}

func unspecified(e dgram.Endpoint) netip.Addr {
	if e.Addr().Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func hasFaults(plan *stage.Plan) bool {
	for _, s := range plan.Steps() {
		if s.Kind == stage.Fault {
			return true
		}
	}
	return false
}

// granted says that the system gave less receive buffer than was asked for, and "" if it did not. Linux doubles the number that it is asked for, for its
// own bookkeeping, and tells the doubled one (socket(7), SO_RCVBUF).
func (f *serveFlags) granted(srv *server.Server) string {
	for _, caps := range srv.Caps() {
		got := size(caps.ReceiveBuffer)
		if runtime.GOOS == "linux" {
			got /= 2
		}
		if got == 0 || got >= f.receiveBuffer {
			continue
		}
		return fmt.Sprintf("the system granted %s of receive buffer, not %s: %s", got.String(), f.receiveBuffer.String(), allowMore(int(f.receiveBuffer)))
	}
	return ""
}

func allowMore(bytes int) string {
	if runtime.GOOS == "linux" {
		return fmt.Sprintf("allow more with: sudo sysctl -w net.core.rmem_max=%d", bytes)
	}
	return "the system's settings say how much it allows"
}

// afterword is what can be done about datagrams that the system dropped.
func (f *serveFlags) afterword(srv *server.Server) string {
	if srv.Summary().Drops.Count == 0 {
		return ""
	}
	if note := f.granted(srv); note != "" {
		return note
	}
	return "to lose fewer of a burst: a larger --receive-buffer, or more --shards"
}

// listenFailure is the error of listening in one sentence: where, what, and what to do. The words of the system, which say the same again,
// stay behind it for errors.Is.
type listenFailure struct{ *server.ListenError }

func (e *listenFailure) Error() string {
	return fmt.Sprintf("cannot serve %s: %s", e.Endpoint, e.Advice)
}

// wordHint helps who took a stage for an address.
func wordHint(err error, addresses []string) error {
	for _, a := range addresses {
		name, _, _ := strings.Cut(a, ":")
		var op *dgram.OpError
		if errors.As(err, &op) && op.Op == "resolve" && strings.HasPrefix(op.Endpoint, name) && stage.Lookup(name) != nil {
			return fmt.Errorf("%q is no address: did you mean --stage %s?", a, a)
		}
	}
	return err
}
