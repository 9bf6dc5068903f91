package main

import (
	"fmt"
	"io/fs"
	"os"
	"time"

	"dgram/wire"
	"dgram/wire/pcapfile"
)

// pipeSource is a capture that comes through a pipe, perhaps slowly: unlike standard input as Go has it, its waiting can be ended.
type pipeSource struct {
	*pcapfile.Reader
	pipe *os.File
}

// openFile opens a capture file, or standard input.
func openFile(name string) (wire.Source, error) {
	if name != "-" {
		return pcapfile.Open(name)
	}
	pipe := ownPipe()
	if pipe == nil {
		return pcapfile.Open(name)
	}
	r, err := pcapfile.NewReader(pipe)
	if err != nil {
		pipe.Close()
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return &pipeSource{r, pipe}, nil
}

// ownPipe opens the pipe that standard input is once more, so that Go's poller may have it; nil where that cannot be.
func ownPipe() *os.File {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return nil
	}
	pipe, err := os.Open("/dev/stdin")
	if err != nil {
		return nil
	}
	if pipe.SetReadDeadline(time.Time{}) != nil {
		pipe.Close()
		return nil
	}
	return pipe
}

func (s *pipeSource) stop() {
	_ = s.pipe.SetReadDeadline(time.Now()) // ownPipe saw that it can be set
}

// Close ends the reading.
func (s *pipeSource) Close() error {
	s.Reader.Close()
	return s.pipe.Close()
}
