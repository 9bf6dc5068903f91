package dgram_test

import (
	"testing"

	"dgram"
	"dgram/dgramtest"
)

// TestKernel holds the transports over the kernel's own calls to what every Conn promises, with and without offloads.
func TestKernel(t *testing.T) {
	for _, network := range []dgram.Network{dgram.UDP, dgram.UDP4, dgram.UDP6, dgram.Unixgram} {
		for name, o := range map[string]dgram.Options{
			"":                {},
			" GRO":            {GRO: true},
			" GRO and no GSO": {GRO: true, NoGSO: true},
			" no GSO":         {NoGSO: true},
		} {
			if network == dgram.Unixgram && name != "" {
				continue
			}
			t.Run(network.String()+name, func(t *testing.T) {
				dgramtest.TestConn(t, dgramtest.Factory{Network: network, Options: o})
			})
		}
	}
}
