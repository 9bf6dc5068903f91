// Package app is what a payload says of itself: the protocol that it speaks, whether it asks or answers, by what the one
// is recognised in the other, and a line or a list of fields for somebody who wants to read it.
//
// [Read] is the fast path, for every packet of a long capture. It believes a port only where the bytes bear it out: text
// on port 53 is not DNS. [AppendInfo] writes the line beside a packet in a list, [Fields] the details of the one packet
// that somebody looks at.
//
// What payloads say was chosen by whoever sent them. No length in them is believed before it is checked, no chain of
// them is followed further than a datagram can hold, and what is handed out for a person may hold bytes that a terminal
// would obey: the printer escapes.
package app
