// Package client asks: it sends requests, waits for their replies, asks again, and says for each how it ended.
//
// An [Exchange] is one request with its attempts and ends in exactly one [Verdict]. [Dial] makes a [Client]; [Client.Call] asks and returns
// the reply; [Client.Do] and [Client.Start] return the whole Exchange. What no exchange keeps (late and duplicate replies, strangers) is
// counted in [Client.Summary] and told to [Options].Observer.
//
// A plain payload carries no number, so which request, and which attempt, a reply answers is not always certain. [Match] says what is gone
// by, and each [Reply] how sure it is: see [Pairing] and Reply.Ambiguous.
package client
