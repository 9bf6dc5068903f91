package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"dgram/internal/terminal"
	"dgram/internal/watchscreen"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// keptEach is a guess at the bytes of a packet, from which follows how many are kept.
const keptEach = 256

// onScreen shows packets on a screen, and when the person has left it the summary.
func (w *lookout) onScreen(ctx context.Context, e env) error {
	store := watchscreen.NewStore(int(w.keep)/keptEach, int(w.keep))
	w.show = &keeping{store}
	config := watchscreen.Config{Store: store, Title: w.title(), Filter: w.words, Live: w.watched.live, Status: w.status,
		Interface: w.interfaceName, Save: w.save}
	if w.owners != nil {
		config.Owner = w.owners.late
	}
	if w.watched.live {
		if err := w.idle(w.begun.UnixNano()); err != nil {
			return err
		}
	}
	ended := make(chan error, 1)
	go func() {
		err := w.read()
		w.ended.Store(&ending{err})
		ended <- err
	}()
	shown := watchscreen.Run(ctx, config, e.stdin, e.stdout)
	w.stop()
	err := <-ended
	_, _ = io.WriteString(e.stderr, w.summarize().text(terminal.Colours(e.stderr))) // nobody is left to tell
	return errors.Join(shown, err)
}

// ending is how the reading ended.
type ending struct{ err error }

// endings is set once, and read by the screen.
type endings = atomic.Pointer[ending]

// keeping puts packets where the screen finds them.
type keeping struct{ store *watchscreen.Store }

func (k *keeping) packet(s *sighting) {
	note := noteOf(s.note)
	note.Spoken = s.message.Protocol
	k.store.Add(s.packet.No, &s.frame, s.whole, s.packet.Fragments, s.owner, note)
}

func (k *keeping) settled(s settlement) {
	if note := s.note(); note.Mark != watchscreen.MarkNone {
		k.store.Settle(s.No, func(kept *watchscreen.Note) {
			note.Spoken = kept.Spoken
			*kept = note
		})
	}
}

func (w *lookout) status() watchscreen.Status {
	s := watchscreen.Status{Packets: w.counts.shown.Load(), Drops: w.counts.drops.Load(), Flows: w.pairs.flows.Load(), Unanswered: w.pairs.silent.Load()}
	if end := w.ended.Load(); end != nil {
		s.Ended, s.Err = true, end.err
	}
	return s
}

func (w *lookout) interfaceName(i int) string {
	known := *w.known.Load()
	if i < 0 || i >= len(known) {
		return ""
	}
	return terminal.EscapeString(known[i].Name)
}

// save writes a capture file for the screen.
func (w *lookout) save(path string, replace bool, each func(func(*wire.Frame) error) error) (n int, err error) {
	if _, err := os.Stat(path); err == nil && !replace {
		return 0, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	out, err := pcapfile.Create(path, pcapfile.WriterConfig{Application: application(), Interfaces: *w.known.Load(), Directions: w.watched.live})
	if err != nil {
		return 0, err
	}
	err = each(func(f *wire.Frame) error {
		n++
		return out.Add(f)
	})
	return n, errors.Join(err, out.Close())
}
