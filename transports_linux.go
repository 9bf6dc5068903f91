package dgram

// transports is the table of transports: a line each.
var transports = map[Network]transport{
	UDP:      kernelUDP,
	UDP4:     kernelUDP,
	UDP6:     kernelUDP,
	Unixgram: kernelUnixgram,
}
