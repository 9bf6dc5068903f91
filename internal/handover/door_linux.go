package handover

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// How long a visitor may take: to ask, and to make all ready and take.
const (
	askTimeout  = time.Second
	takeTimeout = 10 * time.Second
)

// Offer gives the sockets to be handed on. done is called when the visit is over: with true, they are the visitor's now.
type Offer func() (sockets []Socket, done func(taken bool), err error)

// Door is where a process can be visited.
type Door struct {
	path, at string // where it is to be, and where it is
	listener *net.UnixListener
	self     os.FileInfo // of the socket at the path

	offer Offer
	ended chan struct{} // closed when nobody is let in any more

	mu        sync.Mutex
	shut      bool
	visitor   *net.UnixConn // the one inside
	successor *net.UnixConn // who has taken the sockets
	pid       int           // of the successor
}

var doors atomic.Uint64 // that this process has made

// NewDoor makes a door that is not at its path yet, so that the path is known to be good, and no one who is there now is disturbed.
func NewDoor(path string) (*Door, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is there already, and is no socket: choose another path", path)
	}
	at := filepath.Join(filepath.Dir(path), fmt.Sprintf(".dgram-%d-%d", os.Getpid(), doors.Add(1)))
	_ = os.Remove(at) // left by a process that had this number
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: at, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	d := &Door{path: path, at: at, listener: listener, ended: make(chan struct{})}
	err = os.Chmod(at, 0o600)
	if err == nil {
		d.self, err = os.Lstat(at)
	}
	if err != nil {
		d.Discard()
		return nil, err
	}
	return d, nil
}

// Discard takes back a door that was never opened.
func (d *Door) Discard() {
	_ = d.listener.Close()
	_ = os.Remove(d.at)
}

// Open puts the door in its place, instead of the one before, and lets visitors in, one at a time. When one has taken the sockets, nobody else is let in,
// and left is called on a goroutine of its own.
func (d *Door) Open(offer Offer, left func()) error {
	if err := os.Rename(d.at, d.path); err != nil {
		d.Discard()
		close(d.ended)
		return err
	}
	d.at, d.offer = d.path, offer
	go func() {
		defer close(d.ended)
		if d.receive() {
			go left()
		}
	}()
	return nil
}

// receive lets visitors in until one takes the sockets, or the door is shut.
func (d *Door) receive() (taken bool) {
	for {
		conn, err := d.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return false
		}
		if err != nil { // no more files can be open: that passes
			time.Sleep(askTimeout / 20)
			continue
		}
		if d.letIn(conn) && d.converse(conn) {
			return true
		}
		_ = conn.Close()
	}
}

// letIn makes conn the visitor, whom Shut interrupts.
func (d *Door) letIn(conn *net.UnixConn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visitor = conn
	return !d.shut
}

// converse reports whether the visitor has taken the sockets.
func (d *Door) converse(conn *net.UnixConn) bool {
	pid, err := trusted(conn)
	if err != nil {
		return false
	}
	t := newTalk(conn)
	_ = conn.SetReadDeadline(time.Now().Add(askTimeout))
	_ = conn.SetWriteDeadline(time.Now().Add(askTimeout))
	if m, err := t.hear(); err != nil || m.Type != ask {
		_ = t.say(message{Type: refuse, Reason: "this is takeover/1 of dgram: it was asked nothing that it understands"})
		return false
	}
	sockets, done, err := d.offer()
	if err != nil {
		_ = t.say(message{Type: refuse, Reason: fmt.Sprintf("%.200s", err)})
		return false
	}
	took := t.sayAll(sockets) == nil && d.isTaken(t)
	if took {
		d.mu.Lock()
		d.successor, d.pid = conn, pid
		d.mu.Unlock()
	}
	done(took)
	return took
}

func (t *talk) sayAll(sockets []Socket) error {
	for _, m := range offers(sockets) {
		if err := t.say(m); err != nil {
			return err
		}
	}
	return nil
}

// isTaken waits for the one message that decides.
func (d *Door) isTaken(t *talk) bool {
	_ = t.conn.SetReadDeadline(time.Now().Add(takeTimeout))
	m, err := t.hear()
	if err == nil {
		return m.Type == taken
	}
	// Nothing sent from here on arrives (shutdown(2)): what was sent before is there now, or never was.
	_ = t.conn.CloseRead()
	_ = t.conn.SetReadDeadline(time.Now().Add(time.Second)) // it does not wait, but past a deadline it would not even look
	m, err = t.hear()
	return err == nil && m.Type == taken
}

// Shut lets nobody in any more, asks a visitor for a decision at once, and reports whether the sockets have been taken.
func (d *Door) Shut() (taken bool) {
	d.mu.Lock()
	d.shut = true
	if d.visitor != nil && d.successor == nil {
		_ = d.visitor.CloseRead()
		_ = d.visitor.SetWriteDeadline(time.Now())
	}
	d.mu.Unlock()
	_ = d.listener.Close()
	<-d.ended
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.successor != nil
}

// Successor returns the number of the process that has taken the sockets, 0 if none has, or if it is not visible from here (pid_namespaces(7)).
func (d *Door) Successor() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pid
}

// Close tells the successor that this process has stopped receiving; without one it removes the path. The door has been shut before.
func (d *Door) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.successor != nil {
		_ = d.successor.Close()
		return
	}
	if now, err := os.Lstat(d.path); err == nil && os.SameFile(d.self, now) {
		_ = os.Remove(d.path) // what stays is stale: the next one replaces it
	}
}
