package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// States of sd_notify(3).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// notifyTimeout bounds the wait for a manager that does not read.
const notifyTimeout = time.Second

// Notify tells the service manager one or more states, if there is one (NOTIFY_SOCKET). Of a state only the first line is sent.
func Notify(states ...string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // package net knows "@"
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetWriteDeadline(time.Now().Add(notifyTimeout))
	for i, s := range states {
		states[i], _, _ = strings.Cut(s, "\n")
	}
	if _, err := conn.Write([]byte(strings.Join(states, "\n"))); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}
