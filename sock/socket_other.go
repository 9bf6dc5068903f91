//go:build !linux

package sock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLinuxOnly is what every call answers on this system.
var errLinuxOnly = fmt.Errorf("raw sockets of this package are Linux only; the portable transport of package dgram works here: %w", errors.ErrUnsupported)

func unsupported(op string) error { return &Error{Op: op, Err: errLinuxOnly} }

// Socket is one kernel socket. On this system there are none: New and FromFD
// fail with an error that wraps errors.ErrUnsupported.
type Socket struct{ _ byte }

// New fails: sockets of this package are Linux only.
func New(Family, Type, Proto) (*Socket, error) { return nil, unsupported("socket") }

// FromFD fails: sockets of this package are Linux only.
func FromFD(int) (*Socket, error) { return nil, unsupported("take over") }

// FromFDAs fails: sockets of this package are Linux only.
func FromFDAs(int, Family, Type, Proto) (*Socket, error) { return nil, unsupported("take over") }

// FromFDBlocking fails: sockets of this package are Linux only.
func FromFDBlocking(int) (*Socket, error) { return nil, unsupported("take over") }

// Family is UNSPEC here.
func (*Socket) Family() Family { return UNSPEC }

// Type is 0 here.
func (*Socket) Type() Type { return 0 }

// Proto is 0 here.
func (*Socket) Proto() Proto { return 0 }

// SyscallConn is nil here.
func (*Socket) SyscallConn() syscall.RawConn { return nil }

// Bind fails here.
func (*Socket) Bind(Addr) error { return unsupported("bind") }

// Connect fails here.
func (*Socket) Connect(Addr) error { return unsupported("connect") }

// Listen fails here.
func (*Socket) Listen(int) error { return unsupported("listen") }

// Accept fails here.
func (*Socket) Accept() (*Socket, Addr, error) { return nil, nil, unsupported("accept") }

// Local fails here.
func (*Socket) Local() (Addr, error) { return nil, unsupported("getsockname") }

// Peer fails here.
func (*Socket) Peer() (Addr, error) { return nil, unsupported("getpeername") }

// SendTo fails here.
func (*Socket) SendTo([]byte, Flags, Addr) (int, error) { return 0, unsupported("sendto") }

// Send fails here.
func (*Socket) Send([]byte, Flags) (int, error) { return 0, unsupported("sendto") }

// RecvFrom fails here.
func (*Socket) RecvFrom([]byte, Flags) (int, Addr, Flags, error) {
	return 0, nil, 0, unsupported("recvfrom")
}

// Recv fails here.
func (*Socket) Recv([]byte, Flags) (int, Flags, error) { return 0, 0, unsupported("recvfrom") }

// SetOption fails here.
func (*Socket) SetOption(int, int, int) error { return unsupported("setsockopt") }

// Option fails here.
func (*Socket) Option(int, int) (int, error) { return 0, unsupported("getsockopt") }

// SetOptionBytes fails here.
func (*Socket) SetOptionBytes(int, int, []byte) error { return unsupported("setsockopt") }

// OptionBytes fails here.
func (*Socket) OptionBytes(int, int, []byte) (int, error) { return 0, unsupported("getsockopt") }

// Shutdown fails here.
func (*Socket) Shutdown(How) error { return unsupported("shutdown") }

// SetDeadline fails here.
func (*Socket) SetDeadline(time.Time) error { return unsupported("set deadline") }

// SetReadDeadline fails here.
func (*Socket) SetReadDeadline(time.Time) error { return unsupported("set deadline") }

// SetWriteDeadline fails here.
func (*Socket) SetWriteDeadline(time.Time) error { return unsupported("set deadline") }

// File fails here.
func (*Socket) File() (*os.File, error) { return nil, unsupported("dup") }

// Close fails here.
func (*Socket) Close() error { return unsupported("close") }
