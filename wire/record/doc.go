// Package record writes what a process sends and receives into a capture file, without any privilege: a [Recorder] hands out
// taps for the process's Conns, and writes pcapng that Wireshark reads. IP and UDP headers are rebuilt from what the sockets know.
//
// Every packet has its fate beside it, as a comment: what was known when its batch had been sent. What settles after that stands on
// the packet that shows it (a retry, a late reply) or in the comment that closes the file. "No." in comments is a packet's number in
// the file, as Wireshark counts.
//
// A recorder never slows what it records. The goroutines that move datagrams copy them into a bounded backlog; one goroutine
// writes that, with one write(2) for each 256 KiB at most, and takes no more than a quarter of a processor. What comes when the backlog is
// full is left out, and counted in the file. Whole blocks only are written: if the process is killed, the file reads, and lacks at
// most what was in the backlog.
package record
