package dgram

// transports is the table of transports: a line each.
var transports = map[Network]transport{}
