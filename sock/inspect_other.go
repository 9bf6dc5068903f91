//go:build !linux

package sock

// Process is another process whose sockets can be asked about. On this system there is none: OpenProcess fails with an error that wraps
// errors.ErrUnsupported.
type Process struct{ _ byte }

// OpenProcess fails: sockets of other processes are Linux only.
func OpenProcess(int) (*Process, error) { return nil, unsupported("pidfd_open") }

// Inspect fails here.
func (*Process) Inspect(int) (Inspection, error) { return Inspection{}, unsupported("pidfd_getfd") }

// Close fails here.
func (*Process) Close() error { return unsupported("close") }
