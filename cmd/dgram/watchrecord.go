package main

import (
	"fmt"
	"strings"

	"dgram/wire"
	"dgram/wire/pcapfile"
)

// recording is the file of --write.
type recording struct {
	name   string
	source wire.Source
	w      *pcapfile.Writer
	known  int // interfaces
	got    []uint64
	last   int64
}

func newRecording(name string, live bool, source wire.Source) (*recording, error) {
	interfaces := source.Interfaces()
	w, err := pcapfile.Create(name, pcapfile.WriterConfig{Application: application(), Interfaces: interfaces, Directions: live})
	if err != nil {
		return nil, fmt.Errorf("--write: %w", err)
	}
	r := &recording{name: name, source: source, w: w, known: len(interfaces), got: make([]uint64, len(interfaces))}
	return r, r.flush()
}

func (r *recording) add(f *wire.Frame) error {
	for f.Interface >= r.known {
		if _, err := r.w.AddInterface(r.source.Interfaces()[r.known]); err != nil {
			return r.failed(err)
		}
		r.known++
		r.got = append(r.got, 0)
	}
	r.got[f.Interface]++
	r.last = f.Time
	return r.failed(r.w.Add(f))
}

func (r *recording) flush() error { return r.failed(r.w.Flush()) }

func (r *recording) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--write %s: %w", r.name, err)
}

func (r *recording) close(drops uint64) error {
	for i, n := range r.got {
		lost := uint64(0)
		if i == 0 {
			lost = drops // of all interfaces: the kernel does not tell which
		}
		if err := r.w.Statistics(i, r.last, n, lost, ""); err != nil {
			return r.failed(err)
		}
	}
	return r.failed(r.w.Close())
}

// application is what a capture file says of who wrote it.
func application() string {
	return strings.TrimSpace("dgram " + strings.TrimPrefix(versionLine(), "dgram "))
}
