package pcapfile

import "dgram/wire"

// Options of blocks (draft-ietf-opsawg-pcapng, Sections 3.5 and 4). A code means something else in each kind of block, but for the
// first two.
const (
	optionEnd     = 0
	optionComment = 1

	optionHardware    = 2 // of a section
	optionSystem      = 3
	optionApplication = 4

	optionName       = 2 // of an interface
	optionResolution = 9
	optionOffset     = 14

	optionFlags = 2 // of a packet
	optionLost  = 4

	optionStarted       = 2 // of statistics
	optionEnded         = 3
	optionReceived      = 4
	optionDropped       = 5
	optionSystemDropped = 7
)

// Directions in the flags of a packet.
const (
	inbound  = 1
	outbound = 2
)

// option takes the next option from b. One that does not fit ends them: the block around it is whole all the same.
func (r *Reader) option(b *[]byte) (code uint16, value []byte) {
	if len(*b) < 4 {
		return optionEnd, nil
	}
	code = r.u16(*b)
	n := int(r.u16((*b)[2:]))
	if 4+n > len(*b) {
		return optionEnd, nil
	}
	value = (*b)[4 : 4+n]
	*b = (*b)[min(4+padded(n), len(*b)):]
	return code, value
}

// packetOptions reads the options of a packet of that interface.
func (r *Reader) packetOptions(f *wire.Frame, at *described, options []byte) {
	r.text = r.text[:0]
	comments := 0
	for {
		code, value := r.option(&options)
		switch {
		case code == optionEnd:
			if comments > 0 {
				f.Comment = string(r.text)
			}
			return
		case code == optionComment && len(r.text)+1+len(value) <= maxText:
			if comments++; comments > 1 {
				r.text = append(r.text, '\n')
			}
			r.text = append(r.text, value...)
		case code == optionFlags && len(value) == 4:
			f.Outgoing = r.u32(value)&3 == outbound
		case code == optionLost && len(value) == 8:
			at.lost += r.u64(value)
		}
	}
}
