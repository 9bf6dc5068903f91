// Package sockets tells which sockets the processes of this machine have: all about those of a process ([Of], from copies of its descriptors,
// which takes the right to trace it; without that what /proc tells everybody), and to whom a UDP or unix address belongs ([Owners]).
//
// It only asks: nothing about a socket is changed. The forms of /proc/net are read as proc(5) and the kernel's own seq_printf have them, and
// as text that others can have a hand in: the name of a unix socket may hold line breaks.
package sockets
