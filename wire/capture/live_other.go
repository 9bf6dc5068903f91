//go:build !linux

package capture

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"dgram/wire"
)

// Live is a capture that is running. On this system there is none.
type Live struct{ _ byte }

func unsupported() error {
	return fmt.Errorf("live capture is for Linux only, this is %s: record with --pcap FILE on serve, call or bench, which needs no privilege, "+
		"or read a capture that tcpdump or Wireshark wrote: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Open fails: live capture is for Linux only.
func Open(c Config) (*Live, error) {
	if _, err := c.defaults(); err != nil {
		return nil, err
	}
	return nil, unsupported()
}

// Next fails here.
func (*Live) Next(*wire.Frame) error { return unsupported() }

// Interfaces are none here.
func (*Live) Interfaces() []wire.Interface { return nil }

// Late is false here.
func (*Live) Late() bool { return false }

// Drops is 0 here.
func (*Live) Drops() uint64 { return 0 }

// SetDeadline fails here.
func (*Live) SetDeadline(time.Time) error { return unsupported() }

// Stop fails here.
func (*Live) Stop() error { return unsupported() }

// Close fails here.
func (*Live) Close() error { return unsupported() }
