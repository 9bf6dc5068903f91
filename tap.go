package dgram

// Tap watches the datagrams of a Conn: a ledger, a capture, a live view. It is called on the goroutine that moves the datagrams, so it
// must not block; it copies what it keeps; it changes nothing.
type Tap interface {
	// Received sees a batch as Recv filled it, before any stage changed a byte.
	Received(*Batch)
	// Sending sees a batch that is about to be sent: the slots without a Fate carry their final bytes, and their numbers.
	Sending(*Batch)
	// Settled sees the same batch afterwards: every slot has a Fate, which may be Pending.
	Settled(*Batch)
	// Late tells the fate of what was Pending and never went through Send again: silence, above all. id is the number of the
	// datagram that it befell.
	Late(id uint64, f Fate)
}

// WithTaps returns conn with taps that see every batch. Calls reach them in the order given.
func WithTaps(conn Conn, taps ...Tap) Conn {
	if len(taps) == 0 {
		return conn
	}
	return &tapped{Conn: conn, taps: taps}
}

// TellLate tells the taps of conn, if it has any, the fate of a datagram that was Pending.
func TellLate(conn Conn, id uint64, f Fate) {
	for t, ok := conn.(*tapped); ok; t, ok = t.Conn.(*tapped) {
		for _, tap := range t.taps {
			tap.Late(id, f)
		}
	}
}

type tapped struct {
	Conn
	taps []Tap
}

func (t *tapped) Recv(b *Batch) error {
	err := t.Conn.Recv(b)
	if err == nil {
		for _, tap := range t.taps {
			tap.Received(b)
		}
	}
	return err
}

func (t *tapped) Send(b *Batch) error {
	b.Number()
	for _, tap := range t.taps {
		tap.Sending(b)
	}
	err := t.Conn.Send(b)
	for _, tap := range t.taps {
		tap.Settled(b)
	}
	return err
}
