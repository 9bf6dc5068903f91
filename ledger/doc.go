// Package ledger keeps the account: what became of every datagram.
//
// An [Account] is a Tap that counts fates; its [Summary] balances, or says by how much it does not. A [Stream] is a Tap that turns
// datagrams into events of the schema dgram.event/1 for a writer that may be slow: it leaves events out, and counts them, sooner than
// it holds up a datagram.
package ledger
