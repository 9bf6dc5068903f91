// Package handover lets one process take over the sockets of another, over a unix socket, so that no datagram is lost in between.
//
// The process that serves keeps a [Door] at a path. One that starts makes a [Visit]: it is given copies of the descriptors, makes all ready, and
// then takes them ([Visit.Take]). That one message is the whole decision. Until it is sent, the old process goes on as if nothing had been, whatever
// becomes of the visitor; once it is sent, the sockets are the visitor's, and the old process stops receiving. Sending it succeeds only while the old
// process has not given the visitor up, and giving up finds it if it was sent: the two never disagree.
//
// The conversation is one of sequenced packets (unix(7), SOCK_SEQPACKET), each a JSON object; every message and every wait is bounded. Only the
// same user and root are talked to (SO_PEERCRED).
package handover
