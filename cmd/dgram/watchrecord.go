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

// recordsFirst reports whether the packet is to be recorded and no more: it is recorded in silence, and the buffer of the capture fills faster than
// packets can be looked at. The file tells later what they were; what the kernel drops, nobody will know.
func (w *lookout) recordsFirst() bool {
	if w.record == nil || w.show != nil || w.live == nil || !w.live.Late() {
		return false
	}
	return w.filter == nil || w.filter.Decided(&w.now.frame)
}

func (w *lookout) onlyRecord() error {
	w.counts.read.Add(1)
	w.counts.shown.Add(1)
	w.unpaired++
	w.span.add(&w.now.frame)
	return w.record.add(&w.now.frame)
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
