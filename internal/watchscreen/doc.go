// Package watchscreen is the live view of `dgram watch` on a terminal: a table of packets that scrolls as they come, the
// fields and bytes of one of them, filters while they are typed, and a way to save what is shown.
//
// Whoever captures calls [Store.Add] and [Store.Settle], as fast as packets come and without ever waiting for the screen; [Run]
// shows what the [Store] keeps, a few times a second. A packet is decoded again each time that it is looked at, so what
// is kept of it is little more than its bytes. Everything that came from the network is escaped before it is drawn.
package watchscreen
