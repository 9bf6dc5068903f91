package dgram_test

import (
	"testing"

	"dgram"
	"dgram/dgramtest"
)

func TestPortable(t *testing.T) {
	for _, network := range []dgram.Network{dgram.UDP, dgram.UDP4, dgram.UDP6} {
		t.Run(network.String(), func(t *testing.T) {
			dgramtest.TestConn(t, dgramtest.Factory{Network: network, Options: dgram.Options{Portable: true}})
		})
	}
}
