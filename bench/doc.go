// Package bench offers load to a server that answers datagrams, and tells the truth about what came of it.
//
// [Run] sends by a [Config], closed loop (so many requests outstanding on each flow) or open loop (a [Schedule] of rates), and returns a
// [Result]: counts that balance, latency from the moment at which each request was meant to leave, loss by place, and whether the run
// is worth believing. A request without an answer is a censored sample: it makes a percentile "≥ 1 s", never smaller.
//
// The books balance, over the warm-up and over what was measured, each for itself:
//
//	due      = sent + failed + unsent
//	sent     = answered + wrong + refused + lost + pending
//	received = answered + wrong + late + duplicate + unmatched + stray
package bench
