package dgramtest_test

import (
	"testing"

	"dgram"
	"dgram/dgramtest"
)

func TestMemory(t *testing.T) {
	n := dgramtest.NewNetwork()
	dgramtest.TestConn(t, dgramtest.Factory{Network: dgram.Memory, Listen: n.ListenEndpoint, Dial: n.DialEndpoint})
}
