// Package ascii changes the case of ASCII letters in raw bytes, in place and without a look at anything else: what bytes.upper and bytes.lower
// do in Python. With an offloaded receive of 64 datagrams this is most of what a server's own code does for a datagram, so it goes through
// vectors: AVX-512, AVX2 or SSE2 on amd64, NEON on arm64, and words of eight bytes on everything else (and with the build tag purego). The tests hold
// every form to the plain loop.
package ascii
