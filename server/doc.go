// Package server receives datagrams, takes them through a plan of stages, and sends the replies.
//
// [Start] opens the sockets and returns at once; [Server.Endpoints] says where it can be sent to, [Server.Summary] what became of every
// datagram. [Server.Shutdown], or the end of the context, drains: what the system had queued is taken and answered, what a handler or a
// delay holds is waited for, and then the sockets are closed. No datagram ends a Server.
package server
