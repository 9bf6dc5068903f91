// Package web is the one guard of every HTTP endpoint that dgram opens. A web page in a browser on this machine can send requests to
// addresses that only this machine reaches, and by rebinding a name of its own (DNS rebinding) read the answers. So an
// endpoint listens on a unix socket or on loopback unless it is told otherwise, answers only to names that no stranger can point at
// it, refuses what another site's page asks for, and changes nothing on GET.
//
// [Listen] opens the place, [Routes] are its pages, and [Serve] answers with everything bounded.
package web
