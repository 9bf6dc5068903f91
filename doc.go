// Package dgram moves datagrams in batches and keeps an account of every one.
//
// A [Conn] receives a [Batch] of [Datagram] slots and sends one; an [Endpoint] names either end; a [Fate] says how each datagram ended.
// [Listen] and [Dial] open a Conn, and [WithTaps] lets others watch it. Over this package stand stage (what is done to a datagram),
// ledger (the account), server and client.
//
// On Linux a Conn makes the kernel's own calls, many datagrams at a time; elsewhere, and with [Options].Portable, it stands on package net.
// Both keep the same promises, which dgramtest.TestConn holds them to. What differs, [Caps] says.
package dgram
