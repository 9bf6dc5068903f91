package sock

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"dgram/internal/testnet"
)

func TestQueueDropsOfLoopback(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		testnet.Missing(t, "a loopback device: "+err.Error())
	}
	n, err := QueueDrops(lo.Index)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tc", "qdisc", "show", "dev", "lo").Output(); err == nil && strings.Contains(string(out), "noqueue") && n != 0 {
		t.Errorf("a device without a queue has dropped %d", n)
	}
}

func FuzzQueueDrops(f *testing.F) {
	f.Add([]byte{}, int32(1))
	f.Add(make([]byte, 64), int32(0))
	f.Add([]byte("\x10\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), int32(2))
	f.Fuzz(func(_ *testing.T, b []byte, device int32) {
		_, _, _ = queueDrops(b, device) // whatever comes, it ends
	})
}
