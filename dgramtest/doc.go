// Package dgramtest helps to test code that moves datagrams.
//
// A [Network] is a network in memory: its sockets are dgram.Conns, its links lose, delay, duplicate, reorder and forge as a rule or a
// seeded [Link] says, and its only clock is package time, so that it runs inside a testing/synctest bubble. [NewServer] answers real
// UDP datagrams with a function:
//
//	at := dgramtest.NewServer(t, bytes.Clone) // an echo: a dgram.Endpoint; the server stops when the test ends
//
// [TestConn] holds any transport to what a dgram.Conn promises.
package dgramtest
