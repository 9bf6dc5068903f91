package stage_test

import (
	"fmt"

	"dgram"
	"dgram/dgramtest"
	"dgram/stage"
)

// A plan of specs and a function of one's own, run over one batch.
func Example() {
	shout := stage.Func("shout", func(_ *stage.Context, d *dgram.Datagram, e *stage.Effect) {
		if n := len(d.Data); d.Resize(n + 1) {
			d.Data[n] = '!'
		} else {
			e.Drop = dgram.ReasonTooBig
		}
	})
	plan := stage.NewPlan(append(stage.MustParse(`rule:"ping" => "pong"`, "upper").Steps(), shout)...)

	conn, err := dgramtest.NewNetwork().Listen("192.0.2.2:12345")
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	line := stage.NewLine(plan, conn, stage.LineOptions{})
	defer line.Close()

	b := conn.NewBatch(2)
	b.Add(dgramtest.Endpoint("192.0.2.1:1000"), []byte("hello"))
	b.Add(dgramtest.Endpoint("192.0.2.1:1000"), []byte("ping"))
	for i := range b.Datagrams { // as Recv numbers them
		b.Datagrams[i].ID = dgram.NextIDs(1)
	}
	if err := line.Process(b); err != nil {
		panic(err)
	}
	for _, d := range b.Datagrams {
		fmt.Printf("%s %s\n", d.Fate, d.Data)
	}
	fmt.Println(plan)
	// Output:
	// answered HELLO!
	// answered pong
	// rule:"ping" => "pong" | upper | shout
}

// A mistake is answered with its place and the nearest right name.
func ExampleParse() {
	_, err := stage.Parse("upper", "reply:got {lengh} bytes")
	fmt.Println(err)
	// Output: stage "reply:got {lengh} bytes": column 12: there is no field "lengh"; did you mean length?
}
