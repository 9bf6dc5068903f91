package dgram

// portableTransports are the transports over package net, which every system has.
var portableTransports = map[Network]transport{}
