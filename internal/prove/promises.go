//go:build linux

package main

// promise is one of those that dgram makes, with the attack on it.
type promise struct {
	number int
	claim  string
	prove  func(*proof)
}

// promises are in the order of SECURITY.md.
var promises = []promise{
	{1, "never amplifies", proveNeverAmplifies},
	{2, "ends every loop", proveEndsLoops},
	{3, "no datagram stops it", proveNothingStopsIt},
	{4, "the limiter never fails open", proveLimiter},
	{5, "every datagram accounted for", proveAccount},
	{6, "drains and upgrades without loss", proveUpgrade},
	{7, "safe to print", provePrint},
	{8, "isolated by default", proveIsolation},
	{9, "closed to web pages", proveWeb},
}
