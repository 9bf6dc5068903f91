package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"dgram"
	"dgram/dgramtest"
	"dgram/internal/testnet"
)

// A queue of the device that is too narrow refuses requests, which the sender is told of, and answers, which nobody is: the queue's counter
// tells of both.
func TestLossInTheQueueOfTheDevice(t *testing.T) {
	testnet.Need(t, "ip", "tc", testnet.Namespaces)
	here, _ := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if out, err := here.Command(ctx, "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "4mbit", "burst", "4k", "limit", "4k").CombinedOutput(); err != nil {
		testnet.Missing(t, fmt.Sprintf("a kernel that has tbf: %v: %s", err, out))
	}
	here.Do(func() {
		at := dgramtest.NewServer(t, upper)
		r := mustRun(t, Config{Target: at, Flows: 8, Window: 16, Warmup: -1, Duration: 300 * time.Millisecond, Timeout: 200 * time.Millisecond})
		places := placed(r)
		if r.Totals.Lost == 0 || places[PlaceWay] != r.Totals.Lost || places[PlaceUnplaced] != 0 || places[PlaceSendQueue] != r.Totals.Failed {
			t.Errorf("%+v placed %v", r.Totals, places)
		}
		for _, f := range r.Failures {
			if f.Errno != "ENOBUFS" {
				t.Errorf("%+v", f)
			}
		}
	})
}

// What a server's full socket drops is placed there, by the column of /proc/net/udp.
func TestLossAtTheServersSocket(t *testing.T) {
	server, err := dgram.ListenEndpoint(dgram.MustParseEndpoint("127.0.0.1:0"), dgram.Options{ReceiveBuffer: 4096})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := server.NewBatch(1)
		for server.Recv(b) == nil {
			time.Sleep(2 * time.Millisecond) // a slow server: its socket runs over
			for i := range b.Datagrams {
				copy(b.Datagrams[i].Data, upper(b.Datagrams[i].Data))
			}
			_ = server.Send(b)
		}
	}()
	t.Cleanup(func() { server.Close() })
	r := mustRun(t, Config{Target: server.Local(), Flows: 4, Warmup: -1, Duration: 300 * time.Millisecond, Timeout: 500 * time.Millisecond, Schedule: Schedule{{From: 3000, To: 3000}}})
	places := placed(r)
	// On a busy machine the last requests leave late, and are still open at the end: what was dropped of them is not called lost.
	if d, lost := int64(server.Drops().Count), places[PlaceServer]; lost == 0 || lost > d || lost+r.Totals.Pending < d || r.Totals.Lost < lost {
		t.Errorf("its socket dropped %d; %+v placed %v", d, r.Totals, places)
	}
}

func TestProcDrops(t *testing.T) {
	const file = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  357: 0100007F:3039 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77351 2 0000000000000000 17
  357: 00000000:3039 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77352 2 0000000000000000 25
  358: 0100007F:303A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77353 2 0000000000000000 1000
`
	if n, ok := procDrops(strings.NewReader(file), 12345); n != 42 || !ok {
		t.Errorf("%d %v", n, ok)
	}
	if n, ok := procDrops(strings.NewReader(file), 53); n != 0 || ok {
		t.Errorf("%d %v", n, ok)
	}
}
