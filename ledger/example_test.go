package ledger_test

import (
	"context"
	"fmt"
	"os"

	"dgram"
	"dgram/ledger"
)

// An Account is a Tap: whatever passes a Conn that has it is counted.
func Example() {
	account := ledger.NewAccount(ledger.Serving)

	b := dgram.NewBatch(2, nil)
	peer := dgram.MustParseEndpoint("192.0.2.1:4000")
	b.Add(peer, []byte("hello")).ID = 1
	b.Add(peer, []byte("world")).ID = 2
	account.Received(b)

	b.Datagrams[0].Re, b.Datagrams[0].Fate = 1, dgram.Answered
	b.Datagrams[1].DropFor(dgram.ReasonLoss)
	account.Settled(b)

	s := account.Summary()
	s.Elapsed = 0
	fmt.Println(s)
	fmt.Println("balanced:", s.Balance() == nil)
	// Output:
	// received   2 = answered 1 + dropped 1 (loss)
	// bytes      10 received, 5 sent, in 0s
	// balanced: true
}

func ExampleMarshal() {
	line, err := ledger.Marshal(&ledger.DatagramEvent{
		Header: ledger.Header{Type: ledger.TypeReply}, ID: 2, Re: 1, Peer: "192.0.2.1:4000", Size: 5, Payload: []byte("HELLO"), Fate: "answered",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := ledger.Unmarshal(line)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", e.(*ledger.DatagramEvent).Payload)
	// Output: HELLO
}

func ExampleNewStream() {
	stream := ledger.NewStream(ledger.StreamConfig{Types: []ledger.Type{ledger.TypeReply}}, ledger.JSONLines(os.Stdout))
	// conn := dgram.WithTaps(conn, stream)
	defer stream.Close(context.Background())
	fmt.Println(stream.Omitted())
	// Output: 0
}
