//go:build !linux

package sock

import "golang.org/x/net/bpf"

// AttachFilter fails here.
func (*Socket) AttachFilter([]bpf.RawInstruction) error { return unsupported("setsockopt") }

// IgnoreOutgoing fails here.
func (*Socket) IgnoreOutgoing() error { return unsupported("setsockopt") }

// Promiscuous fails here.
func (*Socket) Promiscuous(int) error { return unsupported("setsockopt") }

// Device fails here.
func (*Socket) Device(int) (Device, error) { return Device{}, unsupported("ioctl") }

// DeviceByName fails here.
func (*Socket) DeviceByName(string) (Device, error) { return Device{}, unsupported("ioctl") }
