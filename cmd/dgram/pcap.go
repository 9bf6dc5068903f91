package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"dgram"
	"dgram/client"
	"dgram/server"
	"dgram/wire/record"
)

// pcapFlag is --pcap of the verbs that send and receive, and what it began.
type pcapFlag struct {
	path     string
	recorder *record.Recorder // nil without the flag
}

func (f *pcapFlag) define(fs *pflag.FlagSet) {
	fs.StringVar(&f.path, "pcap", "", "record what is sent and received in `FILE`, with what became of it, for Wireshark or dgram watch; it needs no privilege, and replaces a file that is there")
}

// open makes the file. say is told, on another goroutine, when it cannot be written any more.
func (f *pcapFlag) open(side record.Side, say func(error)) error {
	if f.path == "" {
		return nil
	}
	if f.path == "-" {
		return errors.New("--pcap -: standard output has other things to print: give the name of a file")
	}
	c := record.Config{Side: side, Application: versionLine(), OnError: func(err error) {
		say(fmt.Errorf("--pcap %s: %w: nothing more is recorded; all else goes on", f.path, err))
	}}
	var err error
	if f.recorder, err = record.Create(f.path, c); err != nil {
		return fmt.Errorf("--pcap: %w", err)
	}
	return nil
}

// tap makes the tap of a Conn; nil without the flag.
func (f *pcapFlag) tap() func(dgram.Conn) dgram.Tap {
	if f.recorder == nil {
		return nil
	}
	return f.recorder.Tap
}

// taps are those of a Conn: none without the flag.
func (f *pcapFlag) taps(conn dgram.Conn) []dgram.Tap {
	if f.recorder == nil {
		return nil
	}
	return []dgram.Tap{f.recorder.Tap(conn)}
}

// watch has a server's Conns recorded.
func (f *pcapFlag) watch(cfg *server.Config) {
	others := cfg.Taps
	cfg.Taps = func(c dgram.Conn) []dgram.Tap { return append(others(c), f.taps(c)...) }
}

// dial has a client's Conns recorded.
func (f *pcapFlag) dial(o *client.Options) {
	if f.recorder == nil {
		return
	}
	o.Dgram.Timestamps, o.Dgram.Headers = true, true
	sockets := o.Dgram
	o.Open = func(peer dgram.Endpoint) (dgram.Conn, error) {
		conn, err := dgram.DialEndpoint(peer, sockets)
		if err != nil {
			return nil, err
		}
		return dgram.WithTaps(conn, f.taps(conn)...), nil
	}
}

// close writes the rest, and says what is not in the file. The Conns are closed. It does nothing a second time.
func (f *pcapFlag) close(say func(string)) {
	if f.recorder == nil {
		return
	}
	r := f.recorder
	f.recorder = nil
	_ = r.Close() // what cannot be written was said when it happened
	if n := r.LeftOut(); n > 0 {
		say(fmt.Sprintf("%s lacks %d packets, which were left out so as not to slow down: its comments say where", f.path, n))
	}
}
