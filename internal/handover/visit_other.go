//go:build !linux

package handover

// Visit is a process at the door of another: on this system there is none.
type Visit struct {
	PID     int
	Sockets []Socket
}

// Call fails: Linux only.
func Call(string) (*Visit, error) { return nil, errLinuxOnly }

// Take fails: Linux only.
func (*Visit) Take() error { return errLinuxOnly }

// Left does nothing here.
func (*Visit) Left() {}

// Close does nothing here.
func (*Visit) Close() {}

// CloseSockets does nothing here.
func CloseSockets([]Socket) {}
