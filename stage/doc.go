// Package stage says what is done to a datagram between its arrival and its reply.
//
// A [Spec] is a kind of stage that a name stands for; the [Table] lists them all, and help, completion and error messages are made of it.
// [Parse] reads specs ("upper", "loss:10%", `rule:"ping" => "pong"`) into a [Plan], which Go functions can be part of too ([Func], [Each],
// [Handle]). A [Line] is a plan at work on one shard: it takes received batches through the stages and sends the replies, carries out
// what faults ask for, and keeps what has to wait (a [Handler], a delay) off the path of everything else, in bounded memory.
//
// # Guards
//
// [Guards] stand outside the stages, for no plan may leave them out by accident: on the way in they look at the source, the rate and for
// loops, in this order, before any stage has worked for a datagram; on the way out, once the reply is final, at its size. A Line has
// those that [LineOptions] name; package server makes them unless told otherwise.
//
// # Order
//
// Stages apply in the order given. A rule that matches decides the reply: the transforms, rules and handlers after it are passed over, so
// that a list of rules with a last resort behind it reads as it works. Faults and guards apply to every reply. Delays add up, copies
// too; both are made of the finished reply.
//
// # Rules
//
// A rule is PATTERN => REPLY, on the command line (rule:…) and in files (rules:FILE) alike; see [RulesUsage].
//
// # To add a stage
//
// Write a file with the stage's Spec and its Apply, and put the Spec's name into the table in table.go.
package stage
