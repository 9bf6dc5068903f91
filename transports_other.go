//go:build !linux

package dgram

// transports is the table of transports: a line each. These systems have the portable ones only.
var transports = portableTransports
