package handover

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// talk is one end of a conversation.
type talk struct {
	conn *net.UnixConn
	in   []byte
	oob  []byte
}

func newTalk(conn *net.UnixConn) *talk {
	return &talk{conn: conn, in: make([]byte, maxMessage+1), oob: make([]byte, syscall.CmsgSpace(4*perMessage))}
}

// say sends a message, and with it the descriptors of its sockets.
func (t *talk) say(m message) error {
	var rights []byte
	if len(m.Sockets) > 0 {
		fds := make([]int, len(m.Sockets))
		for i := range m.Sockets {
			fds[i] = m.Sockets[i].FD
		}
		rights = syscall.UnixRights(fds...)
	}
	_, _, err := t.conn.WriteMsgUnix(m.encode(), rights, nil)
	return err
}

// hear receives a message without descriptors: those that come with it are closed by the kernel, for nobody asked for them.
func (t *talk) hear() (message, error) {
	n, err := t.conn.Read(t.in)
	if err != nil {
		return message{}, err
	}
	return decode(t.in[:n])
}

// hearSockets receives a message, and puts the descriptors that came with it into its sockets. After an error none is open.
func (t *talk) hearSockets() (message, error) {
	n, oobn, flags, _, err := t.conn.ReadMsgUnix(t.in, t.oob)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return message{}, err
	}
	fds := descriptors(t.oob[:oobn])
	m, err := decode(t.in[:n])
	switch {
	case err != nil:
	case flags&syscall.MSG_CTRUNC != 0:
		err = errors.New("not all descriptors came: no more files can be open at once (ulimit -n)")
	case len(fds) != len(m.Sockets):
		err = fmt.Errorf("%w: %d descriptors for %d sockets", errMessage, len(fds), len(m.Sockets))
	}
	if err != nil {
		closeAll(fds)
		return message{}, err
	}
	for i := range fds {
		m.Sockets[i].FD = fds[i]
	}
	return m, nil
}

func descriptors(oob []byte) (fds []int) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if more, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, more...)
		}
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd) // it is a copy, and nothing was written to it
	}
}

// errStranger is the error of talking to another user's process.
var errStranger = errors.New("the process at the other end belongs to another user")

// trusted returns the process at the other end, if it is the same user's or root's.
func trusted(conn *net.UnixConn) (pid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *syscall.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	switch {
	case controlErr != nil:
		return 0, controlErr
	case err != nil:
		return 0, err
	case peer.Uid != 0 && int(peer.Uid) != os.Geteuid():
		return 0, fmt.Errorf("%w: uid %d", errStranger, peer.Uid)
	}
	return int(peer.Pid), nil
}
