package handover

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// offerTimeout bounds the wait for what is offered: as long as another visitor may be inside.
const offerTimeout = askTimeout + takeTimeout + 3*time.Second

// Visit is a process at the door of another.
type Visit struct {
	PID     int      // of the process that is visited
	Sockets []Socket // copies of its sockets
	talk    *talk
}

// Call visits the process whose door is at path, and is given copies of its sockets. Where nobody is, or no one any more, the Visit is nil, and so is
// the error.
func Call(path string) (*Visit, error) {
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	case errors.Is(err, syscall.EPROTOTYPE):
		return nil, fmt.Errorf("a socket of another program is there: %w", err)
	case err != nil:
		return nil, err
	}
	v := &Visit{talk: newTalk(conn)}
	if v.PID, err = trusted(conn); err == nil {
		err = v.ask()
	}
	if err != nil {
		CloseSockets(v.Sockets)
		v.Close()
		return nil, err
	}
	return v, nil
}

// ask fills Sockets.
func (v *Visit) ask() error {
	_ = v.talk.conn.SetDeadline(time.Now().Add(offerTimeout))
	err := v.talk.say(message{Type: ask})
	for {
		var m message
		if err == nil {
			m, err = v.talk.hearSockets()
		}
		if err != nil {
			return fmt.Errorf("process %d offered no sockets: %w", v.PID, err)
		}
		v.Sockets = append(v.Sockets, m.Sockets...)
		switch {
		case m.Type == refuse:
			return fmt.Errorf("process %d hands over nothing: %.200q", v.PID, m.Reason)
		case m.Type != offer || len(v.Sockets) > m.Total:
			return fmt.Errorf("process %d: %w: %d sockets of %d", v.PID, errMessage, len(v.Sockets), m.Total)
		case len(v.Sockets) == m.Total:
			return nil
		}
	}
}

// Take makes the sockets this process's. When it fails they are still the other's.
func (v *Visit) Take() error {
	_ = v.talk.conn.SetDeadline(time.Now().Add(askTimeout))
	if err := v.talk.say(message{Type: taken}); err != nil {
		return fmt.Errorf("process %d ended, or did not wait any longer, and nothing was taken over: start again: %w", v.PID, err)
	}
	return nil
}

// Left waits until the other process has stopped receiving, or until Close.
func (v *Visit) Left() {
	_ = v.talk.conn.SetDeadline(time.Time{})
	_, _ = v.talk.hear()
}

// Close ends the visit. It leaves the descriptors to whom they were given.
func (v *Visit) Close() { _ = v.talk.conn.Close() }

// CloseSockets closes the descriptors that nobody has made use of.
func CloseSockets(sockets []Socket) {
	for _, s := range sockets {
		closeAll([]int{s.FD})
	}
}
