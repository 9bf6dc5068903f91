// Package pair finds, for any datagram protocol, which packet answers which: requests, replies, retries, duplicates, late
// and stray ones, refusals by ICMP, and how long each round trip took.
//
// A [Tracker] takes packets one after the other and says at once what each is ([Note]); what becomes of a request it
// reports when it is known ([Settled]). Time is that of the capture. The words are those of [dgram.Fate].
//
// # Who asks
//
// What a payload says of itself counts first (wire/app: the QR bit of DNS, the class of STUN, the mode of NTP). Otherwise
// whoever speaks first in a flow asks and the other side answers, unless only the first speaker's port is one of a known
// service.
//
// # Which request a reply answers
//
// The one with the same identity, where the protocol has one. Otherwise the one whose bytes it repeats, but for the case of
// letters (a server that echoes, or writes in capitals). Otherwise the one that has waited longest in the same flow: if such
// a protocol has several requests on the way and one is lost, those behind it are paired wrongly until the Timeout.
//
// A reply with nothing to answer is a duplicate if its bytes are those of an earlier reply, late if a request was given
// up, and further if the last request was answered already. If it comes from an address or port that was not asked
// itself, it is stray, unless a whole group was asked (multicast, broadcast: every member may answer, until the Timeout), or
// the protocol moves to another port (TFTP). Multicast DNS and DHCP are each one flow, because their replies come from and
// go to other addresses than the requests; there the identity alone pairs.
//
// # What is a retry
//
// The same identity again, or the same bytes, in a flow where the first has no reply yet; bytes only if they come at
// least two round trips after it (a millisecond, where the round trip is not known): who sends the same again sooner
// wants several. When the reply comes, the latest attempt is answered and the others are superseded. As nobody knows
// which attempt the reply is to, its time is not among the round trips of the summary (Karn's rule).
//
// # What is lost
//
// A request that nobody answers within the Timeout is silent. Not counted as lost, only as requests without a reply, are
// those that went to a group, where most hosts have nothing to say, and those of a one-way flow: nothing has ever come
// back, and the side that speaks has sent eight datagrams that each differed from the one before, the first of them a Timeout ago (or
// 4,096 in less). Somebody who asks in vain repeats the question; a stream of telemetry does not. What says itself that it is a request (DNS, STUN) is always one, and
// what says that it is none (syslog, RTP) never.
//
// # Memory
//
// A Tracker knows at most MaxFlows flows and twice as many requests, whatever is captured. A flow that has been idle is
// removed; where there is no room, the one that has been idle longest among a few has to go, and is counted.
//
// # Time
//
// Each packet costs the same, whatever was sent before it: ten thousand identical questions, one flow with as many on the way, and what
// somebody sends who wants it to be slow (hashes that decide where a thing stands are secret, and drawn anew for each Tracker).
package pair
