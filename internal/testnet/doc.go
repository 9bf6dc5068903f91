// Package testnet gives tests what the machine has to offer: two joined network namespaces (Pair), so that
// datagrams cross a real link and not only the loopback, and one place that decides what happens when a tool or a
// privilege is missing (Need): a skip on a person's machine, a failure where CI is set.
//
// Namespaces follow network_namespaces(7) and ip-netns(8), the link between them veth(4). Only Linux has them, and datagrams
// that are sent many as one (Trains); on other systems Pair skips.
//
// NotUnderRace leaves out what is only slower under the race detector.
package testnet
